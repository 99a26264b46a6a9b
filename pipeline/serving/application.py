"""One model behind the routes of Vertex's container contract, with /metrics beside them.

Every answer but that of /metrics is JSON.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.serving import contract
from pipeline.serving.batcher import Batcher
from pipeline.serving.contract import MAXIMUM_BYTES, RequestError
from pipeline.serving.metrics import CONTENT_TYPE, Metrics

if TYPE_CHECKING:
    # It imports TensorFlow, while the port must answer at once.
    from pipeline.serving.engine import Engine

METRICS_ROUTE = "/metrics"
# How much of an oversized body is read: a client that sends before it reads then gets the 413.
BYTES_READ = 4 * MAXIMUM_BYTES
UNAVAILABLE = {"loading": "the model is still loading", "draining": "the server is about to stop"}


@dataclass(frozen=True)
class Served:
    engine: "Engine"
    batcher: Batcher


class Application:
    """First loading, then ready, at last draining; an HTTP server runs `asgi`."""

    def __init__(self, *, health_route: str, predict_route: str) -> None:
        self.draining = False
        self.busy = 0  # predictions that are being asked and not yet answered
        self.metrics = Metrics()
        self._served: Served | None = None
        routes = [
            Route(health_route, self._health),
            Route(METRICS_ROUTE, self._metrics),
            Route(predict_route, self._predict, methods=["POST"]),
        ]
        self.asgi = Starlette(
            routes=routes, exception_handlers={HTTPException: _no_such_route, Exception: _failed}
        )
        self.asgi.router.redirect_slashes = False

    @property
    def state(self) -> str:
        if self.draining:
            return "draining"
        return "ready" if self._served else "loading"

    def serve(self, engine: "Engine", *, version: str, path: str) -> None:
        """Answer with this model from now on.

        A request that has begun ends with the model that it began with.
        """
        self.metrics.serves(model=engine.serving["model"], version=version, path=path)
        self._served = Served(engine, Batcher(engine.run))

    async def _health(self, request: Request) -> Response:
        status = 200 if self.state == "ready" else 503
        return _json(status, {"state": self.state})

    async def _metrics(self, request: Request) -> Response:
        return Response(self.metrics.text(), headers={"content-type": CONTENT_TYPE})

    async def _predict(self, request: Request) -> Response:
        start = time.perf_counter()
        status, count = 500, 0
        self.busy += 1
        try:
            predictions = await self._predictions(request)
            response = _json(200, {"predictions": predictions})
            status, count = 200, len(predictions)
        except RequestError as error:
            status = error.status
            response = _json(status, {"error": str(error)})
        finally:
            self.busy -= 1
            seconds = time.perf_counter() - start
            self.metrics.answered(status, seconds, count)
        return response

    async def _predictions(self, request: Request) -> list[Any]:
        model = self._served
        if self.draining or model is None:
            raise RequestError(503, UNAVAILABLE[self.state])
        question = contract.parse(await _body(request))
        from pipeline.serving.engine import InstanceError  # loaded by now

        try:
            signature = model.engine.signature(question.signature)
            records = model.engine.encode(question.instances)
        except InstanceError as error:
            raise RequestError(400, str(error)) from error
        return await model.batcher.submit(records, signature)


async def _body(request: Request) -> bytearray:
    body = bytearray()
    size = int(request.headers.get("content-length", 0))
    try:
        if size <= BYTES_READ:
            size = 0
            async for chunk in request.stream():
                size += len(chunk)
                if size <= MAXIMUM_BYTES:
                    body += chunk
                elif size > BYTES_READ:
                    break
    except ClientDisconnect as error:
        raise RequestError(400, "the body ended before it was whole") from error
    if size > MAXIMUM_BYTES:
        raise RequestError(413, f"the body is too large, allowed are at most {MAXIMUM_BYTES} bytes")
    return body


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
    return _json(500, {"error": "the server failed at this request; its log tells why"})
