"""The message from one stage to the next: a request for a promotion."""

from pipeline.gcp.clients import answered, asking, patiently, session
from settings import Settings


def ask_to_promote(settings: Settings, commit: str, models: str) -> None:
    """Ask `settings`' stage for a promotion by a message.

    A caller that runs a trigger has to be allowed all that the trigger's account is.
    """
    topic = f"projects/{settings.project_id}/topics/{settings.names.topic('promote')}"
    with asking(f"the topic {settings.names.topic('promote')}", settings):
        http, base = session("GOOGLE_PUBSUB_CUSTOM_ENDPOINT", "https://pubsub.googleapis.com")
        message = {"attributes": {"commit": commit, "models": models}}
        patiently(
            lambda: answered(
                http.post(f"{base}/v1/{topic}:publish", json={"messages": [message]}, timeout=60)
            )
        )
