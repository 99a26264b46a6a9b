"""Ask an HTTP service for JSON, impatiently.

No answer takes long, and a host that could not be reached is left alone.
"""

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from http.client import HTTPException
from typing import Any, TypeVar

from infra.doctor.finding import ForbiddenError, NotAskedError, UnreachableError

PATIENCE_SECONDS = 5  # for one answer
DEADLINE_SECONDS = 10  # for all of them, unless told otherwise
Body = dict[str, Any]
Answer = TypeVar("Answer")


class Rest:
    """A client of REST APIs; with `persistent`, it asks an unreachable host again."""

    def __init__(
        self,
        *,
        deadline_seconds: float | None = None,
        patience_seconds: float | None = None,
        persistent: bool = False,
    ) -> None:
        seconds = DEADLINE_SECONDS if deadline_seconds is None else deadline_seconds
        self._deadline = time.monotonic() + seconds
        self._patience = PATIENCE_SECONDS if patience_seconds is None else patience_seconds
        self._persistent = persistent
        self._unreachable: dict[str, str] = {}
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def ask(
        self,
        url: str,
        *,
        token: str = "",
        send: bytes | None = None,
        kind: str = "application/json",
        method: str = "",
    ) -> tuple[int, Body]:
        """Return the status and the body of any answer; POST if `send` alone is given."""
        request = urllib.request.Request(
            url, data=send, headers={"accept": "application/json"}, method=method or None
        )
        if send is not None:
            request.add_header("content-type", kind)
        if token:
            request.add_unredirected_header("authorization", f"Bearer {token}")
        host = urllib.parse.urlsplit(url).netloc
        with self._turns[host]:
            if host in self._unreachable:
                raise UnreachableError(self._unreachable[host])
            time_left = self._deadline - time.monotonic()
            patience = min(self._patience, time_left)
            try:
                return within(patience, lambda: _answer(request, patience))
            except (OSError, HTTPException, ValueError) as error:
                sentence = f"{host} can't be reached ({_reason(error)})"
                if not self._persistent:
                    self._unreachable[host] = sentence
                raise UnreachableError(sentence) from None


def accepted(url: str, status: int, body: Body) -> Body | None:
    """Return the body of a good answer, or None for a missing resource.

    Every other answer raises NotAskedError with the service's own words.
    """
    host = urllib.parse.urlsplit(url).netloc
    if status < 300:
        return body
    if status == 404:
        return None
    if status == 401:
        raise NotAskedError(f"{host} does not accept the credentials", status=status)
    error = body.get("error", body)
    if not isinstance(error, dict):
        error = {"message": str(error)}
    for detail in error.get("details", []):
        if detail.get("reason") == "SERVICE_DISABLED":
            raise _off(detail.get("metadata", {}), host)
    message = str(error.get("message", "")).strip()
    reason, *_ = message.splitlines() or ["without a reason"]
    refusal = ForbiddenError if status == 403 else NotAskedError
    raise refusal(f"{host} answers {status}: {reason}", status=status)


def _off(metadata: Body, host: str) -> NotAskedError:
    """The error of an API switched off in the question's billed project.

    https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto
    """
    service = metadata.get("service", host)
    project = metadata.get("consumer", "").removeprefix("projects/")
    command = f"gcloud services enable {service} --project={project}" if project else ""
    return NotAskedError(f"{service} is off", command)


def within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """The call's answer, or a TimeoutError: looking up a name knows no timeout of its own."""
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except Exception as error:
            answer.set_exception(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        return answer.result(timeout=max(seconds, 0))
    except TimeoutError:
        raise TimeoutError("no answer in time") from None


def _answer(request: urllib.request.Request, patience: float) -> tuple[int, Body]:
    try:
        with urllib.request.urlopen(request, timeout=patience) as response:
            body = _object(response.read())
            return response.status, body
    except urllib.error.HTTPError as error:
        body = _object(error.read())
        return error.code, body


def _object(content: bytes) -> Body:
    try:
        body = json.loads(content or b"{}")
    except ValueError:  # a proxy's page, for example
        return {}
    if isinstance(body, dict):
        return body
    return {"items": body}


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    sentence = getattr(cause, "strerror", None) or str(cause)
    return str(sentence) or type(error).__name__
