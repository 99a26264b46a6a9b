"""The alerts that a log entry raises, by the filters that Terraform would apply.

The stacks are synthesized in the venv that has CDKTF, whichever asks.
"""

import functools
import json
import os
import subprocess
from typing import Any

from settings import REPOSITORY
from tests.standins.google.log_filter import matches

FOLDER = REPOSITORY / "tests/team"  # whose stages they are
SYNTHESIS = ("infra", "python", "-m", "tests.infra.stacks.alert_filters")
Filters = dict[str, str]  # by the alert's title


def raised(entry: dict[str, Any], stage: str) -> list[str]:
    """The titles of the stage's alerts whose filter picks the entry."""
    filters = filters_by_stage()
    return [title for title, log_filter in filters[stage].items() if matches(log_filter, entry)]


@functools.cache
def filters_by_stage() -> dict[str, Filters]:
    command = [REPOSITORY / "build/environment", *SYNTHESIS]
    variables = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.run(
        command, cwd=FOLDER, env=variables, check=True, stdout=subprocess.PIPE, text=True
    )
    filters: dict[str, Filters] = json.loads(process.stdout)
    return filters
