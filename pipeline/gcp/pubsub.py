"""The message from one stage to the next: a request for a promotion."""

from collections.abc import Iterator

from pipeline.gcp.clients import patiently
from pipeline.gcp.stage import Stage

ATTRIBUTE_BYTES = 1024  # of an attribute's value: https://cloud.google.com/pubsub/quotas


def ask_to_promote(stage: Stage, commit: str, models: list[str]) -> None:
    """Ask `stage` for a promotion by a message, or by several where the names fill more than one.

    A caller that runs a trigger has to be allowed all that the trigger's account is.
    """
    name = stage.names.topic("promote")
    path = f"v1/projects/{stage.project}/topics/{name}:publish"
    messages = [{"attributes": {"commit": commit, "models": names}} for names in _joined(models)]
    with stage.asking(f"the topic {name}"):
        patiently(lambda: stage.pubsub.post(path, json={"messages": messages}))


def _joined(models: list[str]) -> Iterator[str]:
    """Join the names by commas, as few texts as an attribute's size allows."""
    text = ""
    for model in models:
        if text and len(f"{text},{model}") > ATTRIBUTE_BYTES:
            yield text
            text = model
        else:
            text = f"{text},{model}" if text else model
    yield text
