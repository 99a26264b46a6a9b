"""Stands in for the package wandb, which is not in the lock: its records alone."""
