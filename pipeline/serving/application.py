"""One model behind the routes of Vertex's container contract, with /metrics beside them.

Every answer but that of /metrics is JSON.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.serving import body, contract
from pipeline.serving.batcher import Batcher
from pipeline.serving.body import Receive
from pipeline.serving.contract import RequestError
from pipeline.serving.loading import Model
from pipeline.serving.metrics import CONTENT_TYPE, Metrics
from pipeline.serving.request_log.entry import Entry
from pipeline.serving.request_log.queue import RequestLog
from pipeline.serving.waiting import ShedError

if TYPE_CHECKING:
    # It imports TensorFlow, while the port must answer at once.
    from pipeline.serving.engine import Engine

METRICS_ROUTE, OPENAPI_ROUTE = "/metrics", "/openapi.json"
UNAVAILABLE = {"loading": "the model is still loading", "draining": "the server is about to stop"}
RETRY_SECONDS = 1
BUSY = (429, f"more is asked than the model can answer, ask again in {RETRY_SECONDS} s or later")
SHED = {
    "full": BUSY,
    "late": BUSY,
    "timeout": (504, "X-Request-Timeout passed before the model was asked"),
    "left": (499, "the client left"),  # nginx's number, for the metrics: nobody reads the answer
}
FAILURE = orjson.dumps({"error": "the server failed at this request; its log tells why"})
# A larger body is parsed in a thread: the event loop would answer nobody else meanwhile.
SMALL_BYTES = 32_000
MAXIMUM_LARGE_BYTES = 16_000_000  # of all bodies that wait for that thread
# RFC 9110, 10.2.3 and 15.5.16.
HEADERS = {
    415: [(b"accept-encoding", b"gzip")],
    429: [(b"retry-after", str(RETRY_SECONDS).encode())],
}

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
Question = tuple[list[bytes], str]  # the records and the signature


@dataclass(frozen=True)
class Served:
    """A model, its waiting requests, and the headers of its answers."""

    model: Model
    batcher: Batcher
    headers: Headers


class Asked:
    """A prediction request: its arrival, and the facts known so far."""

    __slots__ = ("content", "count", "receive", "served", "signature", "start")

    def __init__(self, receive: Receive, start: float, served: Served | None) -> None:
        self.receive = receive
        self.start = start
        self.served = served
        self.signature = ""
        self.content: bytes | bytearray = b""
        self.count = 0  # of its instances


class Application:
    """First loading, then ready, at last draining; an HTTP server runs `asgi`."""

    def __init__(self, *, health_route: str, predict_route: str) -> None:
        self.draining = False
        self.busy = 0  # predictions that are being asked and not yet answered
        self.metrics = Metrics(depth=self._depth, age=self._age)
        self._log: RequestLog | None = None
        self._served: Served | None = None
        self._predict_route = predict_route
        self._parser = ThreadPoolExecutor(1, thread_name_prefix="parser")
        self._large_bytes = 0
        routes = [
            Route(health_route, self._health),
            Route(METRICS_ROUTE, self._metrics),
            Route(OPENAPI_ROUTE, self._openapi),
        ]
        self._others = Starlette(
            routes=routes, exception_handlers={HTTPException: _no_such_route, Exception: _failed}
        )
        self._others.router.redirect_slashes = False

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a prediction without Starlette: its layers cost a third of the time."""
        if scope["type"] != "http" or scope["path"] != self._predict_route:
            await self._others(scope, receive, send)
        elif scope["method"] != "POST":
            sentence = f"{scope['method']} {scope['path'][:80]}: method not allowed, allowed: POST"
            await _send(send, 405, _error(sentence), [(b"allow", b"POST")])
        else:
            await self._predict(scope, receive, send)

    @property
    def state(self) -> str:
        if self.draining:
            return "draining"
        return "ready" if self._served else "loading"

    @property
    def model_name(self) -> str | None:
        return self._served.model.name if self._served else None

    def serve(self, model: Model) -> None:
        """Answer with this model from now on.

        A request that has begun ends with the model that it began with.
        """
        headers = [
            (b"x-model-version", model.version.encode()),
            (b"x-model-digest", f"sha256:{model.digest}".encode()),
        ]
        self.metrics.serves(model)
        batcher = Batcher(model.engine.run, ran=self.metrics.ran)
        self._served = Served(model, batcher, headers)

    def log_to(self, log: RequestLog) -> None:
        """Log a sample of the answered requests from now on."""
        self.metrics.registry.register(log.ledger)
        self._log = log

    def _depth(self) -> float:
        return self._served.batcher.depth if self._served else 0

    def _age(self) -> float:
        return self._served.batcher.age() if self._served else 0

    async def _health(self, request: Request) -> Response:
        status = 200 if self.state == "ready" else 503
        return _json(status, {"state": self.state})

    async def _metrics(self, request: Request) -> Response:
        return Response(self.metrics.text(), headers={"content-type": CONTENT_TYPE})

    async def _openapi(self, request: Request) -> Response:
        if self._served is None:
            return _json(503, {"error": UNAVAILABLE["loading"]})
        from pipeline.serving import openapi  # TensorFlow's schema is slow to import

        content = openapi.document(self._served.model, self._predict_route)
        return _json(200, content)

    async def _predict(self, scope: Scope, receive: Receive, send: Send) -> None:
        clock = asyncio.get_running_loop().time
        asked = Asked(receive, clock(), self._served)
        self.busy += 1
        status, content = 500, FAILURE
        try:
            status, content = await self._answer(asked, scope)
        except asyncio.CancelledError:  # its time to drain is over
            status, content = 503, _error(UNAVAILABLE["draining"])
            raise
        finally:  # the server logs what else was raised
            self.busy -= 1
            seconds = clock() - asked.start
            count = asked.count if status == 200 else 0
            self.metrics.answered(asked.signature, status, seconds, count)
            headers = HEADERS.get(status, [])
            if asked.served is not None:
                headers = asked.served.headers + headers
            await _send(send, status, content, headers)

    async def _answer(self, asked: Asked, scope: Scope) -> tuple[int, bytes]:
        """The status and JSON of the answer."""
        try:
            predictions = await self._predictions(asked, scope)
        except RequestError as error:
            return error.status, _error(str(error))
        except ShedError as shed:
            self.metrics.shed(shed.reason)
            status, sentence = SHED[shed.reason]
            return status, _error(sentence)
        content: bytes = orjson.dumps({"predictions": predictions})
        assert asked.served
        if self._log is not None and self._log.samples(asked.served.model.version):
            self._log.add(_entry(asked, content))
        return 200, content

    async def _predictions(self, asked: Asked, scope: Scope) -> list[Any]:
        served = asked.served
        if self.draining or served is None:
            raise RequestError(503, UNAVAILABLE[self.state])
        head = body.head(scope["headers"])
        content = await body.read(asked.receive, head.size, gzip=head.gzip)
        asked.content = content
        if served.batcher.full:  # told before the work of parsing
            raise ShedError("full")
        if len(content) <= SMALL_BYTES:
            question = _question(served.model.engine, content)
        else:
            question = await self._large_question(served.model.engine, content)
        records, asked.signature = question
        asked.count = len(records)
        timeout = head.timeout_seconds
        deadline = inf if timeout is None else asked.start + timeout
        left = partial(_has_left, asked.receive)
        batcher = served.batcher
        return await batcher.submit(records, asked.signature, deadline=deadline, left=left)

    async def _large_question(self, engine: "Engine", content: bytes | bytearray) -> Question:
        size = len(content)
        if self._large_bytes and self._large_bytes + size > MAXIMUM_LARGE_BYTES:
            raise ShedError("full")
        self._large_bytes += size
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._parser, _question, engine, content)
        finally:
            self._large_bytes -= size


def _question(engine: "Engine", content: bytes | bytearray) -> Question:
    question = contract.parse(content)
    try:
        signature = engine.signature(question.signature)
        return engine.encode(question.instances), signature
    except ValueError as error:
        from pipeline.serving.engine import InstanceError  # loaded by now

        if isinstance(error, InstanceError):
            raise RequestError(400, str(error)) from error
        raise


def _entry(asked: Asked, answer: bytes) -> Entry:
    """The log entry of an answered request."""
    assert asked.served
    model = asked.served.model
    return Entry(
        endpoint=model.name,
        deployed_model_id=model.version,
        time=time.time(),
        request=asked.content,
        response=bytes(memoryview(answer)),  # orjson's own has up to eighty times the room
    )


def _has_left(receive: Receive) -> bool:
    """Whether the client of a read request has closed its connection.

    ASGI says so in answer to a call for more of the body, and not before. One step of the call is
    made here, so that no task waits beside each request.
    """
    step = receive().__await__()
    try:
        step.send(None)
    except StopIteration as end:
        return bool(end.value["type"] == "http.disconnect")
    finally:
        step.close()
    return False


async def _send(send: Send, status: int, content: bytes, headers: Headers) -> None:
    size = str(len(content)).encode()
    all_headers = [
        (b"content-type", b"application/json"),
        (b"content-length", size),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": content})


def _error(sentence: str) -> bytes:
    content: bytes = orjson.dumps({"error": sentence})
    return content


def _json(status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(content), status, {**(headers or {}), "content-type": "application/json"}
    )


async def _no_such_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    allowed_methods = f", allowed: {headers['Allow']}" if "Allow" in headers else ""
    sentence = f"{request.method} {request.url.path[:80]}: {error.detail.lower()}{allowed_methods}"
    return _json(error.status_code, {"error": sentence}, headers)


async def _failed(_request: Request, _error: Exception) -> Response:
    return Response(FAILURE, 500, media_type="application/json")
