"""What goes wrong by the user's doing or by a verdict, each with its exit code; what Terraform fails of is terraform.TerraformError, exit 1."""


class UsageError(Exception):
    """One sentence on what is asked wrongly; exit 2."""


class RefusedError(Exception):
    """One sentence on why the verdict is no; exit 3."""
