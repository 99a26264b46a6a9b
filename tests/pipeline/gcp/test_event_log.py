"""Each event of the log raises the alert that is meant, by the filters of the stacks."""

import pytest

from environments import ENVIRONMENTS
from pipeline.gcp import event_log
from pipeline.gcp.stage import Stage
from tests.standins.alerts import raised

DEV = ENVIRONMENTS["dev"]


@pytest.mark.parametrize(
    ("event", "title"),
    [
        ("drift", "dev: drift"),
        ("fault", "dev: fault"),
        ("worse", "dev: worse"),
        ("log_incomplete", "dev: log incomplete"),
        ("no_requests", "dev: no requests logged"),
    ],
)
def test_an_event_that_was_written_raises_its_alert(google, event, title):
    stage = Stage(DEV)

    event_log.tell(stage, event, "cab", sentence="the fare is in cents", report="https://x.example")

    [entry] = google.entries
    assert raised(entry, "dev") == [title]


def test_an_event_of_another_stage_raises_none(google):
    stage = Stage(DEV)

    event_log.tell(stage, "drift", "cab")

    [entry] = google.entries
    assert raised(entry, "prod") == []
