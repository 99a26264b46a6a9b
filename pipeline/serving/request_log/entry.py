"""A logged request, and its row in the table."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson


@dataclass(frozen=True)
class Entry:
    """An answered request: its bodies are the server's own, not copies.

    It holds no values: parsed, a body takes up to twenty times its bytes.
    """

    endpoint: str
    deployed_model_id: str
    time: float  # seconds since the epoch
    request: bytes | bytearray
    response: bytes

    @property
    def size(self) -> int:
        return len(self.request) + len(self.response)

    def line(self) -> bytes:
        """The row as JSON; an element of a payload is an instance or its answer, as JSON too."""
        instances = orjson.loads(self.request)["instances"]
        predictions = orjson.loads(self.response)["predictions"]
        row = {
            "endpoint": self.endpoint,
            "deployed_model_id": self.deployed_model_id,
            "logging_time": datetime.fromtimestamp(self.time, UTC).isoformat(),
            "request_id": str(secrets.randbits(63)),
            "request_payload": [_json(instance) for instance in instances],
            "response_payload": [_json(prediction) for prediction in predictions],
        }
        line: bytes = orjson.dumps(row)
        return line


def _json(value: Any) -> str:
    text: str = orjson.dumps(value).decode()
    return text
