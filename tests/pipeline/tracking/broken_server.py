"""A server that does what a tracker does at its worst."""

import contextlib
import socketserver
import time
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event, Thread

CLOSES, HANGS, TRICKLES = "closes", "hangs", "trickles"
PAUSE_SECONDS = 0.3


@dataclass
class Broken:
    """A server at `url`; `fault` is a status that it answers, or one of the words above."""

    url: str
    fault: int | str
    ended: Event


@contextlib.contextmanager
def broken_server(fault: int | str) -> Iterator[Broken]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        _, port = server.server_address
        broken = Broken(f"http://127.0.0.1:{port}", fault, Event())
        server.broken = broken
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield broken
        finally:
            broken.ended.set()
            server.shutdown()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    broken: Broken


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        broken = self.server.broken
        self.request.recv(65536)
        if broken.fault == HANGS:
            broken.ended.wait()
        elif broken.fault == TRICKLES:
            self._trickle(broken)
        elif broken.fault != CLOSES:
            head = (
                f"HTTP/1.1 {broken.fault} Planted\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"
            )
            self.request.sendall(head.encode())

    def _trickle(self, broken: Broken) -> None:
        """Send a byte at a time, each within any time that a client waits for the next."""
        with contextlib.suppress(ConnectionError):
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not broken.ended.is_set():
                self.request.sendall(b" ")
                time.sleep(PAUSE_SECONDS)
