"""Names who does something, in characters that each log and database takes."""

import getpass
import os
import platform

from settings.values import printable

BUILD = "BUILD_ID"  # of the environment, as the recipes set it


def author() -> str:
    """Name the build of Cloud Build that does this, or else the person and machine."""
    if build := os.environ.get(BUILD):
        return printable(f"build {build}")
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        user = str(os.getuid())
    return printable(f"{user}@{platform.node()}")
