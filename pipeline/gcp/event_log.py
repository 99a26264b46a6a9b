"""Writes a model's events to a stage's event log, for the alerts to match."""

from pipeline.gcp.clients import answered, asking, session
from settings import Settings


def tell(settings: Settings, event: str, model: str, **facts: str) -> None:
    """Write an event of the model to the stage's event log.

    `event` is one that an alert knows: not_blessed, run_failed.
    """
    log = f"projects/{settings.project_id}/logs/{settings.names.event_log}"
    payload = {"event": event, "model": model, "stage": settings.stage, **facts}
    entry = {
        "logName": log,
        "resource": {"type": "global"},
        "severity": "WARNING",
        "jsonPayload": payload,
    }
    with asking(f"the log {settings.names.event_log}", settings):
        http, base = session("GOOGLE_LOGGING_CUSTOM_ENDPOINT", "https://logging.googleapis.com")
        answered(http.post(f"{base}/v2/entries:write", json={"entries": [entry]}, timeout=60))
