"""The head and body of a prediction request as HTTP knows them.

A body has at most MAXIMUM_BYTES, also once it is decoded from gzip, and is UTF-8.
"""

import re
import zlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from email.message import Message
from typing import Any, NamedTuple

from pipeline.serving.contract import MAXIMUM_BYTES, RequestError
from pipeline.serving.examples import shown
from pipeline.serving.waiting import ShedError

# How much of an oversized body is read: a client that sends before it reads then gets the 413.
BYTES_READ = 4 * MAXIMUM_BYTES
GZIP = 16 + zlib.MAX_WBITS  # zlib's name for the format
GZIP_NAMES = ("gzip", "x-gzip")  # RFC 9110, 8.4.1.3: they are the same
# A gzip file may be several in a row, and one may be 20 bytes: each takes a decoder of its own.
MAXIMUM_MEMBERS = 100
TIMEOUT = re.compile(rb"[0-9]{1,6}(\.[0-9]{1,30})?")  # Python shows 0.1 * 3 by 17 decimals
HEADERS = frozenset({b"content-length", b"content-encoding", b"content-type", b"x-request-timeout"})

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Head(NamedTuple):
    size: int  # as announced; 0 where it is not
    gzip: bool
    timeout_seconds: float | None


def head(headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """The body's size, coding and timeout by its headers; raises RequestError."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in HEADERS:
            # RFC 9110, 5.3: a repeated header is a list.
            fields[name] = fields[name] + b", " + value if name in fields else value
    _check_charset(fields.get(b"content-type", b""))
    length = fields.get(b"content-length", b"")
    size = int(length) if length.isdigit() else 0
    timeout = fields.get(b"x-request-timeout")
    timeout_seconds = None if timeout is None else _seconds(timeout)
    return Head(size, _is_gzip(fields.get(b"content-encoding", b"")), timeout_seconds)


def _check_charset(content_type: bytes) -> None:
    if b"charset" not in content_type.lower():
        return
    message = Message()
    message["content-type"] = content_type.decode("latin-1")
    charset = str(message.get_param("charset", "utf-8"))
    if charset.lower() not in ("utf-8", "utf8"):
        raise RequestError(415, f"the charset is {shown(charset)}, allowed is utf-8")


def _is_gzip(content_encoding: bytes) -> bool:
    if not content_encoding:
        return False
    text = content_encoding.decode("latin-1")
    codings = [coding.strip().lower() for coding in text.split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if not codings:
        return False
    if len(codings) > 1 or codings[0] not in GZIP_NAMES:
        raise RequestError(415, f"Content-Encoding is {shown(text)}, allowed is gzip or none")
    return True


def _seconds(timeout: bytes) -> float:
    text = timeout.decode("latin-1")
    seconds = float(timeout) if TIMEOUT.fullmatch(timeout) else 0.0
    if not seconds:
        raise RequestError(
            400,
            f"X-Request-Timeout is {shown(text)}, "
            "allowed is a number of seconds above 0 and below 1000000, such as 2.5",
        )
    return seconds


async def read(receive: Receive, size: int, *, gzip: bool) -> bytes | bytearray:
    """The body of `size` announced bytes; raises RequestError, or ShedError if the client left.

    Of a body that is too large no more than MAXIMUM_BYTES is held, decoded or not.
    """
    if size > BYTES_READ:
        raise _too_large()
    chunk, more = await _chunk(receive)
    if not more and not gzip and len(chunk) <= MAXIMUM_BYTES:
        return chunk  # as nearly all are
    body = _GzipBody() if gzip else _Body()
    received = len(chunk)
    body.add(chunk)
    while more and received <= BYTES_READ:
        chunk, more = await _chunk(receive)
        received += len(chunk)
        body.add(chunk)
    if body.is_too_large:
        raise _too_large()
    body.check()
    return body.content


async def _chunk(receive: Receive) -> tuple[bytes, bool]:
    """A part of the body, and whether more may follow."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ShedError("left")
    return message.get("body", b""), message.get("more_body", False)


def _too_large() -> RequestError:
    return RequestError(413, f"the body is too large, allowed are at most {MAXIMUM_BYTES} bytes")


class _Body:
    """The parts of a body, until it is too large."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.is_too_large = False

    def add(self, chunk: bytes) -> None:
        if self.is_too_large:
            return
        self._take(chunk)
        if len(self.content) > MAXIMUM_BYTES:
            self.is_too_large = True
            self.content.clear()

    def check(self) -> None:
        """Raise RequestError if the body is not whole."""

    def _take(self, chunk: bytes) -> None:
        room = MAXIMUM_BYTES + 1 - len(self.content)
        self.content += chunk[:room]


class _GzipBody(_Body):
    def __init__(self) -> None:
        super().__init__()
        self._members = 1
        self._decoder = zlib.decompressobj(GZIP)

    def check(self) -> None:
        if not self._decoder.eof:
            raise RequestError(400, "the body is not gzip: it ends before it is whole")

    def _take(self, chunk: bytes) -> None:
        while chunk and len(self.content) <= MAXIMUM_BYTES:
            if self._decoder.eof:
                self._begin_member()
            room = MAXIMUM_BYTES + 1 - len(self.content)
            try:
                self.content += self._decoder.decompress(chunk, room)
            except zlib.error as error:
                raise RequestError(400, f"the body is not gzip: {error}") from error
            chunk = self._decoder.unused_data

    def _begin_member(self) -> None:
        self._members += 1
        if self._members > MAXIMUM_MEMBERS:
            raise RequestError(
                400, f"the body is more than {MAXIMUM_MEMBERS} gzip files in a row, allowed is one"
            )
        self._decoder = zlib.decompressobj(GZIP)
