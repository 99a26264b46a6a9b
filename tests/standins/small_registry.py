"""As little of an image registry as a push needs, with tags that never move."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Registry(ThreadingHTTPServer):
    """`held` is what was put: path, or for a blob its digest -> content."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.held: dict[str, bytes] = {}
        self.url = f"http://127.0.0.1:{self.server_port}/registry"


class Door(BaseHTTPRequestHandler):
    def answer(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        path, held = urlsplit(self.path).path, self.server.held
        if path.endswith("/blobs/uploads/"):
            return self.say(202, {"Location": f"{path}7?state=x"})
        if path.endswith("/blobs/uploads/7"):
            held[parse_qs(urlsplit(self.path).query)["digest"][0]] = content
            return self.say(201)
        taken = path in held
        held.setdefault(path, content)
        return self.say(400 if taken else 201)

    def say(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass

    do_POST = do_PUT = answer  # noqa: N815


@contextmanager
def serving() -> Iterator[Registry]:
    with Registry() as registry:
        threading.Thread(target=registry.serve_forever, args=(0.02,), daemon=True).start()
        yield registry
        registry.shutdown()
