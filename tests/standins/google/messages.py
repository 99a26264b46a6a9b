"""Pub/Sub's messages: one starts the builds of its topic's triggers.

No message is kept.
"""

from tests.standins.google.builds import hear
from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body, Call, Store

EMPTY = (
    "One or more messages in the publish request is empty. Each message must contain "
    "data or attributes."
)


def publish(store: Store, call: Call) -> Body:
    """The messages' ids; none is heard if one is empty."""
    store.get(call.key)
    messages = call.body.get("messages", [])
    if not messages or any(map(is_empty, messages)):
        raise RefusedError(400, EMPTY)
    for message in messages:
        hear(store, call.path, message)
    return {"messageIds": [str(next(store.numbers)) for _ in messages]}


def is_empty(message: Body) -> bool:
    return not (message.get("data") or message.get("attributes"))
