"""The filters of every stage's alerts on log entries.

`python -m tests.infra.stacks.alert_filters` prints them by stage and title, for tests that have no
CDKTF.
"""

import json
import tempfile
from pathlib import Path

from environments import ENVIRONMENTS
from tests.infra.conftest import Synthesized, synthesize


def log_filters(synthesized: Synthesized, stage: str) -> dict[str, str]:
    """The filter of each alert on a log entry, by the alert's title."""
    filters = {}
    for alert in synthesized.of(f"monitoring-{stage}", "google_monitoring_alert_policy"):
        [condition] = alert.conditions
        if matched_log := condition.get("condition_matched_log"):
            filters[alert.display_name] = matched_log["filter"]
    return filters


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        synthesized = synthesize(Path(folder))
    filters = {stage: log_filters(synthesized, stage) for stage in ENVIRONMENTS}
    print(json.dumps(filters))


if __name__ == "__main__":
    main()
