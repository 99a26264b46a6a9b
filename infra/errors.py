"""The errors of users and verdicts, each with its exit code.

A failure of Terraform's is terraform.TerraformError, exit 1.
"""


class UsageError(Exception):
    """One sentence on a wrong request; exit 2."""


class RefusedError(Exception):
    """One sentence on why the verdict is no; exit 3."""
