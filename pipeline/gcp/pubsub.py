"""The message from one stage to the next: a request for a promotion."""

from pipeline.gcp.clients import patiently
from pipeline.gcp.stage import Stage


def ask_to_promote(stage: Stage, commit: str, models: str) -> None:
    """Ask `stage` for a promotion by a message.

    A caller that runs a trigger has to be allowed all that the trigger's account is.
    """
    name = stage.names.topic("promote")
    path = f"v1/projects/{stage.project}/topics/{name}:publish"
    message = {"attributes": {"commit": commit, "models": models}}
    with stage.asking(f"the topic {name}"):
        patiently(lambda: stage.pubsub.post(path, json={"messages": [message]}))
