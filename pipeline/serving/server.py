"""The server process of a model.

It opens the port, loads in the background, and drains when it is told to stop.

As a program it is the serving image's entrypoint and reads Vertex's container contract:
AIP_STORAGE_URI (gs:// or a folder), AIP_HTTP_PORT, AIP_HEALTH_ROUTE and AIP_PREDICT_ROUTE. Where
less time than Vertex's passes between SIGTERM and the kill, ESTEIRA_DRAIN_SECONDS says how much. A
model of another digest than ESTEIRA_MODEL_DIGEST, which its registry entry carries, is not served.
"""

import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from pipeline.errors import ConfigurationError, RunError
from pipeline.serving import loading
from pipeline.serving.application import METRICS_ROUTE, Application
from pipeline.serving.request_log.queue import RequestLog
from pipeline.serving.transport import Protocol
from pipeline.serving.versions import Versions

HEALTH_ROUTE, PREDICT_ROUTE = "/health", "/predict"
PORT = 8080
DIGEST_VARIABLE = "ESTEIRA_MODEL_DIGEST"
DIGEST = re.compile(r"[0-9a-f]{64}")
ROUTE = re.compile(r"/[\w/:.~-]*")
DRAIN_SECONDS = 8.0  # from SIGTERM to the end; Cloud Run kills after 10 s
VERTEX_DRAIN_SECONDS = 29.0  # Kubernetes, and so Vertex, kills after 30 s
DRAIN_RANGE = (1, 3600)
LOG_SHARE = 0.25  # of a drain: for the request log, which also gets what the requests leave
CLOSING_SECONDS = 1  # of a drain: for the connections, once it waits for no answer any more
# Google's balancer keeps an idle connection for 600 s and would send its next request into one that
# is closed here first: cloud.google.com/load-balancing/docs/https#timeouts_and_retries.
KEEP_ALIVE_SECONDS = 620
# How long a thread may keep Python to itself while another waits; by default it is five times a
# row's time.
SWITCH_SECONDS = 0.0005


def serve(
    model: str,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    health_route: str = HEALTH_ROUTE,
    predict_route: str = PREDICT_ROUTE,
    drain_seconds: float = DRAIN_SECONDS,
    published: Path | None = None,
    log: RequestLog | None = None,
    digest: str | None = None,
    proof: loading.Proof | None = None,
) -> None:
    """Serve the model in this folder, or at this gs:// URI, until SIGTERM or Ctrl-C.

    `published` is the folder of the model's versions, whose newest is served from then on; `log`
    takes a sample of the requests. With a `digest` no other model is served, with a `proof` none
    without it.
    What is in flight at the end is answered within `drain_seconds`, or given up.
    Raises ConfigurationError for an invalid argument, RunError if the server cannot start.
    """
    _check_drain(drain_seconds)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.setswitchinterval(SWITCH_SECONDS)
    listener = listen(host, port)
    application = Application(health_route=health_route, predict_route=predict_route)
    log_seconds = LOG_SHARE * drain_seconds if log else 0.0
    if log is not None:
        application.log_to(log)
    server = Server(application, drain_seconds - log_seconds)
    url = f"http://{host}:{listener.getsockname()[1]}{predict_route}"
    _say(f"loading {model}; {url} answers 503 until it is there")
    afterwards = [log.start] if log else []
    if published is not None:
        versions = Versions(published, application, proof)
        afterwards.append(partial(versions.watch, Path(model)))
    load = partial(loading.load, model, digest=digest, proof=proof)
    arguments = (model, load, url, application, server, afterwards)
    threading.Thread(target=_load, args=arguments, daemon=True).start()
    server.run(sockets=[listener])
    if log is not None:
        log.stop(log_seconds + server.remaining_seconds())
    if server.failure:
        raise RunError(server.failure)


def _check_drain(seconds: float) -> None:
    shortest, longest = DRAIN_RANGE
    if not shortest <= seconds <= longest:
        raise ConfigurationError(
            f"the time to drain is {seconds:g} s, allowed are {shortest} to {longest}"
        )


class Server(uvicorn.Server):
    """A uvicorn server; it drains before it stops.

    uvicorn's own way to stop closes the port first, so nobody would see that it drains. It also
    ends as killed by the signal.
    """

    def __init__(self, application: Application, drain_seconds: float) -> None:
        config = uvicorn.Config(
            application.asgi,
            interface="asgi3",  # a bound method is not recognized
            http=Protocol,
            loop="uvloop",
            log_level="warning",
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=CLOSING_SECONDS,
        )
        super().__init__(config)
        self.application = application
        self.failure: str | None = None
        self._drain_seconds = drain_seconds
        self._deadline = float("inf")

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self.application.draining:  # asked a second time
            self._deadline = 0
            return
        self._deadline = time.monotonic() + self._drain_seconds - CLOSING_SECONDS
        self.application.draining = True

    def remaining_seconds(self) -> float:
        """The rest of the time to drain, in seconds."""
        remaining = self._deadline - time.monotonic()
        return max(0.0, min(remaining, self._drain_seconds))

    async def on_tick(self, counter: int) -> bool:
        if self.application.draining:
            late = time.monotonic() > self._deadline
            if late or not self.application.busy:
                self.should_exit = True
        return bool(await super().on_tick(counter))


def _load(
    path: str,
    load: Callable[[loading.Phases], loading.Model],
    url: str,
    application: Application,
    server: Server,
    afterwards: Iterable[Callable[[], None]],
) -> None:
    """Load the model and have it answer, then call `afterwards`."""
    try:
        phases = loading.prepare()
        model = load(phases)
    except Exception as error:  # whatever it is, without a model there is nothing to serve
        server.failure = loading.failure(path, error)
        server.should_exit = True
        return
    application.serve(model)
    _say(f"{model.name}, version {model.version}, is ready after {model.phases}: {url}")
    if not model.is_verified:
        _say(loading.unverified(model))
    for step in afterwards:
        step()


def listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise ConfigurationError(f"the port is {port}, allowed are 0, for a free one, to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise RunError(f"{host}:{port} can't be listened at: {error}") from error
    # Accepted connections inherit it. asyncio sets it only on sockets whose protocol is named, and
    # these have none: each answer on a kept connection would wait 40 ms for the client's delayed
    # ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def container(environment: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of `serve`, from the variables; raises ConfigurationError."""
    model = environment.get("AIP_STORAGE_URI", "")
    port = environment.get("AIP_HTTP_PORT", str(PORT))
    if not model:
        raise ConfigurationError(
            "AIP_STORAGE_URI is not set, allowed is a model's folder or its gs:// URI"
        )
    if not port.isdecimal():
        raise ConfigurationError(f"AIP_HTTP_PORT is {port!r}, allowed is a port's number")
    health = environment.get("AIP_HEALTH_ROUTE", HEALTH_ROUTE)
    predict = environment.get("AIP_PREDICT_ROUTE", PREDICT_ROUTE)
    for name, route in (("AIP_HEALTH_ROUTE", health), ("AIP_PREDICT_ROUTE", predict)):
        if not ROUTE.fullmatch(route) or route == METRICS_ROUTE:
            raise ConfigurationError(
                f"{name} is {route!r}, "
                f"allowed is a path that matches {ROUTE.pattern} and is not {METRICS_ROUTE}"
            )
    digest = environment.get(DIGEST_VARIABLE)
    if digest is not None and not DIGEST.fullmatch(digest):
        raise ConfigurationError(
            f"{DIGEST_VARIABLE} is {digest[:80]!r}, allowed are the 64 digits of a SHA-256"
        )
    drain = environment.get("ESTEIRA_DRAIN_SECONDS", f"{VERTEX_DRAIN_SECONDS:g}")
    shortest, longest = DRAIN_RANGE
    if not drain.isdecimal() or not shortest <= float(drain) <= longest:
        raise ConfigurationError(
            f"ESTEIRA_DRAIN_SECONDS is {drain[:80]!r}, "
            f"allowed is a whole number of seconds from {shortest} to {longest}"
        )
    return {
        "model": model,
        "host": "0.0.0.0",
        "port": int(port),
        "health_route": health,
        "predict_route": predict,
        "drain_seconds": float(drain),
        "digest": digest,
    }


def main(environment: Mapping[str, str]) -> int:
    try:
        serve(**container(environment))
    except (ConfigurationError, RunError) as error:
        _say(f"python -m pipeline.serving.server: {error}")
        return 2 if isinstance(error, ConfigurationError) else 1
    except KeyboardInterrupt:  # before there was anything to drain
        return 130
    return 0


if __name__ == "__main__":
    code = main(os.environ)
    sys.stderr.flush()
    os._exit(code)  # TensorFlow cannot be torn down while a thread is loading
