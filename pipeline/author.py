"""Names who does something."""

import getpass
import os
import platform

BUILD = "BUILD_ID"  # of the environment, as the recipes set it


def author() -> str:
    """Name the build of Cloud Build that does this, or else the person and machine."""
    if build := os.environ.get(BUILD):
        return f"build {build}"
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        user = str(os.getuid())
    return f"{user}@{platform.node()}"
