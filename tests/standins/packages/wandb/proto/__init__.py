"""As wandb/proto."""
