"""Pub/Sub's messages: one starts the builds of its topic's triggers.

No message is kept.
"""

from tests.standins.google.builds import hear
from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body, Call, Store


def publish(store: Store, call: Call) -> Body:
    """The messages' ids; none is heard if one is empty."""
    store.get(call.key)
    messages = call.body.get("messages", [])
    if not messages or not all(
        message.get("data") or message.get("attributes") for message in messages
    ):
        raise RefusedError(
            400,
            (
                "One or more messages in the publish request is empty. Each message must contain "
                "data or attributes."
            ),
        )
    for message in messages:
        hear(store, call.path, message)
    return {"messageIds": [str(next(store.numbers)) for _ in messages]}
