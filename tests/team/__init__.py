"""A fictional team: the stages and models of the tests.

pytest finds its environments.py before the repository's (`pythonpath` in pyproject.toml). A command
that a test starts finds it, too, where it runs in this folder.
"""

import os
from pathlib import Path

from settings import REPOSITORY

TEAM = Path(__file__).parent
MODELS = TEAM / "models"


def variables() -> dict[str, str]:
    """The environment variables of a command in TEAM."""
    return os.environ | {"PYTHONPATH": str(REPOSITORY)}
