"""Pub/Sub's messages: one starts the builds of its topic's triggers.

No message is kept. One that is larger than Google allows is refused
(https://cloud.google.com/pubsub/quotas#resource_limits).
"""

from tests.standins.google.builds import hear
from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body, Call, Store

ATTRIBUTES = 100  # of a message
KEY_BYTES = 256
VALUE_BYTES = 1024
MESSAGES = 1000  # of a request
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
    if len(messages) > MESSAGES:
        raise RefusedError(400, f"The request has {len(messages)} messages, allowed are {MESSAGES}")
    for message in messages:
        check_attributes(message.get("attributes", {}))
    for message in messages:
        hear(store, call.path, message)
    return {"messageIds": [str(next(store.numbers)) for _ in messages]}


def check_attributes(attributes: dict[str, str]) -> None:
    """Refuse too many or too large attributes, in Google's own words for a value."""
    if len(attributes) > ATTRIBUTES:
        raise too_large("too many others. The number", len(attributes), ATTRIBUTES)
    for key, value in attributes.items():
        key_size, value_size = len(key.encode()), len(value.encode())
        if key_size > KEY_BYTES:
            raise too_large("a key that is too long. The length", key_size, KEY_BYTES)
        if value_size > VALUE_BYTES:
            raise too_large("a value that is too long. The length", value_size, VALUE_BYTES)


def too_large(subject: str, size: int, maximum: int) -> RefusedError:
    return RefusedError(
        400,
        f"One of the attributes in the request has {subject} is {size}, "
        f"but the maximum allowed is {maximum}. "
        "Refer to https://cloud.google.com/pubsub/quotas for more information.",
    )


def is_empty(message: Body) -> bool:
    return not (message.get("data") or message.get("attributes"))
