"""Asks a served model, and again if it is busy. Python alone: copy it freely."""

import http.client
import json
import random
import time
import urllib.error
import urllib.request
from typing import Any

BUSY = (429, 503)


def predict(
    url: str,
    instances: list[dict[str, Any]],
    *,
    headers: dict[str, str] | None = None,
    timeout_seconds: float = 10.0,
    attempts: int = 5,
) -> list[Any]:
    """Return one prediction for each instance.

    Raises urllib.error.HTTPError where the server refuses, OSError where it can't be reached, and
    http.client.HTTPException where its answer is cut off.
    """
    body = json.dumps({"instances": instances}).encode()
    all_headers = {
        "content-type": "application/json",
        "x-request-timeout": f"{timeout_seconds:.6f}",  # the server gives up when we do
        **(headers or {}),
    }
    request = urllib.request.Request(url, body, all_headers)
    for attempt in range(attempts):
        spread = random.uniform(0.5, 1.5)
        pause_seconds = spread * 0.1 * 2**attempt
        try:
            with urllib.request.urlopen(request, timeout=timeout_seconds) as response:
                answer: list[Any] = json.load(response)["predictions"]
                return answer
        except urllib.error.HTTPError as error:
            if error.code not in BUSY or attempt == attempts - 1:
                raise
            asked_seconds = error.headers.get("retry-after", "")
            if asked_seconds.isdecimal():  # it may be a date, too
                pause_seconds = max(pause_seconds, float(asked_seconds))
        except (OSError, http.client.HTTPException):
            if attempt == attempts - 1:
                raise
        time.sleep(pause_seconds)
    raise ValueError(f"attempts is {attempts}, allowed is at least 1")
