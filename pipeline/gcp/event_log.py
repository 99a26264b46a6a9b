"""Writes a model's events to a stage's event log, for the alerts to match."""

import uuid
from typing import Any

from pipeline.gcp.stage import Stage


def tell(stage: Stage, event: str, model: str, **facts: str) -> None:
    """Write an event of the model to the stage's event log.

    `event` is one that an alert knows: not_blessed, run_failed.
    """
    with stage.asking(f"the log {stage.names.event_log}"):
        body = {"entries": [entry(stage, event, model, **facts)]}
        stage.logging.post("v2/entries:write", json=body)


def entry(stage: Stage, event: str, model: str, **facts: str) -> dict[str, Any]:
    """The log entry of an event; the alerts' filters pick it by its log, resource and event."""
    return {
        "logName": f"projects/{stage.project}/logs/{stage.names.event_log}",
        "resource": {"type": "global"},
        "severity": "WARNING",
        "insertId": uuid.uuid4().hex,  # an entry that is sent twice is kept once
        "jsonPayload": {"event": event, "model": model, "stage": stage.name, **facts},
    }
