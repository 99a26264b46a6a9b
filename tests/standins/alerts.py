"""The alerts that a log entry raises, by the filters that Terraform would apply.

The stacks are synthesized in the venv that has CDKTF, whichever asks.
"""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from settings import REPOSITORY
from tests.standins.google.log_filter import matches

PROGRAM = ("infra", "python", "-m", "tests.infra.stacks.alert_filters")


def raised(entry: dict[str, Any], stage: str) -> list[str]:
    """The titles of the stage's alerts whose filter picks the entry; `stage` is one of tests/team's."""
    filters = _log_filters()[stage]
    return [title for title, log_filter in filters.items() if matches(log_filter, entry)]


@functools.cache
def _log_filters() -> Mapping[str, Mapping[str, str]]:
    """By the stage and the alert's title."""
    command = [sys.executable, str(REPOSITORY / "build/environment"), *PROGRAM]
    process = subprocess.run(
        command,
        cwd=REPOSITORY / "tests/team",
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=True,
        capture_output=True,
        text=True,
    )
    filters: dict[str, dict[str, str]] = json.loads(process.stdout)
    return filters
