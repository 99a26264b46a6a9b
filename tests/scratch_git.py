"""Git in scratch repositories, by nobody's configuration."""

import os
import subprocess
from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@b",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b",
}
ISOLATED = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **IDENTITY}


def run_git(folder: Path, *arguments: str) -> bytes:
    """The command's output; raises CalledProcessError."""
    command = ["git", "-C", str(folder), *arguments]
    variables = os.environ | ISOLATED
    process = subprocess.run(command, env=variables, capture_output=True, check=True)
    return process.stdout
