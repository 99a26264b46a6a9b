"""One request to the stand-in for Google's APIs, as a test writes it."""

import json
import urllib.error
import urllib.request
from typing import Any

from tests.standins.google.apis import GoogleApis


def ask(google: GoogleApis, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """The HTTP status and the body of the answer."""
    text = json.dumps(body or {})
    content = None if method == "GET" else text.encode()
    request = urllib.request.Request(f"{google.url}/{path}", content, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
