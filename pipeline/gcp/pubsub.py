"""The messages that start a trigger: from one stage to the next, and from the monitor."""

from collections.abc import Iterator

from pipeline.gcp.clients import patiently
from pipeline.gcp.stage import Stage

ATTRIBUTE_BYTES = 1024  # of an attribute's value: https://cloud.google.com/pubsub/quotas


def ask_to_promote(stage: Stage, commit: str, models: list[str]) -> None:
    """Ask `stage` for a promotion by a message, or by several where the names fill more than one.

    A caller that runs a trigger has to be allowed all that the trigger's account is.
    """
    attributes = [{"commit": commit, "models": names} for names in _joined(models)]
    _publish(stage, "promote", attributes)


def ask_to_retrain(stage: Stage, model: str, request: str) -> None:
    """Ask for a model's retraining; a message of the same request is taken once."""
    _publish(stage, "retrain", [{"models": model, "request": request}])


def _publish(stage: Stage, topic: str, attributes: list[dict[str, str]]) -> None:
    """Publish a message for each set of attributes."""
    name = stage.names.topic(topic)
    path = f"v1/projects/{stage.project}/topics/{name}:publish"
    messages = [{"attributes": values} for values in attributes]
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
