"""Writes a model's events to a stage's event log, for the alerts to match."""

import hashlib
import uuid
from datetime import datetime
from typing import Any

from pipeline.gcp.stage import Stage


def tell(stage: Stage, event: str, model: str, **facts: str) -> None:
    """Write an event of the model to the stage's event log.

    `event` is one that an alert knows: settings.names.EVENTS.
    """
    _write(stage, entry(stage, event, model, **facts))


def tell_once(
    stage: Stage, event: str, model: str, *, key: str, at: datetime, **facts: str
) -> None:
    """Write an event that has this key and time in UTC, so that it is kept once if told twice.

    Entries of one time and insertId are duplicates, of which a query shows one
    (cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry).
    """
    digest = hashlib.sha256(f"{stage.name}/{model}/{event}/{key}".encode()).hexdigest()
    identity = {"insertId": digest[:32], "timestamp": f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"}
    _write(stage, entry(stage, event, model, **facts) | identity)


def _write(stage: Stage, entry: dict[str, Any]) -> None:
    with stage.asking(f"the log {stage.names.event_log}"):
        stage.logging.post("v2/entries:write", json={"entries": [entry]})


def entry(stage: Stage, event: str, model: str, **facts: str) -> dict[str, Any]:
    """The log entry of an event; the alerts' filters pick it by its log, resource and event."""
    return {
        "logName": f"projects/{stage.project}/logs/{stage.names.event_log}",
        "resource": {"type": "global"},
        "severity": "WARNING",
        "insertId": uuid.uuid4().hex,  # an entry that is sent twice is kept once
        "jsonPayload": {"event": event, "model": model, "stage": stage.name, **facts},
    }
