"""Requests at a rate that no answer slows down, over as many connections as that takes.

A client that waits for its answer before it asks again asks less of a slow server, and so hides
what the clients of a busy one see.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

SLICE_SECONDS = 0.005  # between two looks at what is due
LATEST_SECONDS = 5.0  # after the last request, for its answer
UNANSWERED = 0  # in place of a status


@dataclass(frozen=True)
class Exchange:
    """A request and how it ended; seconds count from when it was due."""

    due: float
    status: int
    seconds: float


@dataclass
class Exchanges:
    """How many requests ended."""

    seconds: float
    all: list[Exchange] = field(default_factory=list, repr=False)

    def count(self, status: int) -> int:
        return len(self.latencies(status))

    def latencies(self, status: int) -> list[float]:
        return sorted(exchange.seconds for exchange in self.all if exchange.status == status)

    def goodput(self) -> float:
        """Answered requests a second."""
        return self.count(200) / self.seconds

    def percentile(self, percent: int, status: int = 200) -> float:
        """Seconds; 0 where no request ended with this status."""
        latencies = self.latencies(status)
        return latencies[len(latencies) * percent // 100] if latencies else 0.0

    def statuses(self) -> dict[int, int]:
        """The number of requests by status."""
        return {status: self.count(status) for status in sorted({e.status for e in self.all})}


def request(body: object, path: str = "/predict", **headers: str) -> bytes:
    """A prediction request as bytes."""
    content = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "host: x", f"content-length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines)
    return head.encode() + b"\r\n\r\n" + content


async def offer(
    port: int, rate: float, seconds: float, requests: Iterator[bytes], host: str = "127.0.0.1"
) -> Exchanges:
    """Ask `rate` times a second, whatever the answers."""
    pool = _Pool(host, port)
    loop = asyncio.get_running_loop()
    start = loop.time()
    total = int(rate * seconds)
    sent = 0
    while sent < total:
        due_count = min(total, int((loop.time() - start) * rate) + 1)
        for place in range(sent, due_count):
            pool.send(next(requests), start + place / rate)
        sent = due_count
        await asyncio.sleep(SLICE_SECONDS)
    await pool.end()
    return Exchanges(seconds, pool.exchanges)


async def saturate(
    port: int, connections: int, seconds: float, requests: Iterator[bytes], host: str = "127.0.0.1"
) -> Exchanges:
    """Ask over each connection as soon as it has its answer: the server's peak."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    pool = _Pool(host, port)

    def again() -> None:
        if loop.time() < end:
            pool.send(next(requests), loop.time())

    pool.answered = again
    for _ in range(connections):
        again()
    await asyncio.sleep(seconds)
    await pool.end()
    return Exchanges(seconds, pool.exchanges)


class _Pool:
    """Connections that are idle take the next request; a new one is made where none is."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.exchanges: list[Exchange] = []
        self.answered: Callable[[], None] = lambda: None
        self.idle: list[_Connection] = []
        self.open: set[_Connection] = set()
        self._connecting: set[asyncio.Task[None]] = set()

    def send(self, content: bytes, due: float) -> None:
        while self.idle:
            connection = self.idle.pop()
            if not connection.transport.is_closing():
                connection.send(content, due)
                return
        task = asyncio.create_task(self._connect(content, due))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, content: bytes, due: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: _Connection(self), self.host, self.port
            )
        except OSError:
            self.note(due, UNANSWERED)
            return
        connection.send(content, due)

    def note(self, due: float, status: int) -> None:
        now = asyncio.get_running_loop().time()
        self.exchanges.append(Exchange(due, status, now - due))

    async def end(self) -> None:
        """Wait for what is on its way, then close all connections."""
        loop = asyncio.get_running_loop()
        latest = loop.time() + LATEST_SECONDS
        while self._pending() and loop.time() < latest:
            await asyncio.sleep(SLICE_SECONDS)
        for connection in list(self.open):
            connection.transport.close()
        await asyncio.sleep(SLICE_SECONDS)

    def _pending(self) -> bool:
        return bool(self._connecting) or any(connection.due for connection in self.open)


class _Connection(asyncio.Protocol):
    """One request at a time over a kept connection."""

    def __init__(self, pool: _Pool) -> None:
        self.due: float | None = None  # of the request on its way
        self._pool = pool
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._pool.open.add(self)

    def send(self, content: bytes, due: float) -> None:
        self.due = due
        self.transport.write(content)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or not _is_whole(head, body):
            return
        self._received = b""
        self._note(int(head[9:12]))
        if not self.transport.is_closing():
            self._pool.idle.append(self)
        self._pool.answered()

    def connection_lost(self, error: Exception | None) -> None:
        self._pool.open.discard(self)
        self._note(UNANSWERED)

    def _note(self, status: int) -> None:
        if self.due is not None:
            self._pool.note(self.due, status)
            self.due = None


def _is_whole(head: bytes, body: bytes) -> bool:
    _, _, after = head.lower().partition(b"content-length:")
    length, _, _ = after.partition(b"\r\n")
    if not length:  # uvicorn's own answers, which are chunked
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(length)
