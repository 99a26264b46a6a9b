"""Requests that a server must refuse, as the bytes that a client sends.

Each has the statuses that are right. `random` chooses places, values and lengths.
"""

import gzip
import json
import string
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

GOOD: dict[str, Any] = {"fare": 9.5, "hour": 8, "company": "Blue"}
QUESTION = json.dumps({"instances": [GOOD]}).encode()
MAXIMUM_BYTES = 10_000_000  # of a body
MAXIMUM_INSTANCES = 1000


@dataclass(frozen=True)
class HostileRequest:
    name: str
    content: bytes
    statuses: tuple[int, ...]


def requests(random: Random) -> Iterator[HostileRequest]:
    """At least two hundred, each kind three times."""
    for _ in range(3):
        yield from _texts(random)
        yield from _contents(random)
        yield from _instances(random)
        yield from _codings(random)
        yield from _heads(random)
        yield from _routes(random)
    yield from _sizes(random)


def good() -> bytes:
    return _post(QUESTION)


def _post(
    body: bytes, *headers: bytes, path: bytes = b"/predict", method: bytes = b"POST"
) -> bytes:
    """A request with this body and its length."""
    length = b"content-length: %d" % len(body)
    return _request(b"%s %s HTTP/1.1" % (method, path), length, *headers, body=body)


def _request(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    head = [line, b"host: x", b"connection: close", *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def _chunked(*chunks: bytes) -> bytes:
    coded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return _request(
        b"POST /predict HTTP/1.1", b"transfer-encoding: chunked", body=coded + b"0\r\n\r\n"
    )


def _gzip(content: bytes) -> bytes:
    """Without the time, so that a seed gives the same bytes."""
    return gzip.compress(content, compresslevel=6, mtime=0)


def _word(random: Random) -> str:
    letters = random.choices(string.ascii_letters, k=random.randint(3, 40))
    return "".join(letters)


def _texts(random: Random) -> Iterator[HostileRequest]:
    """Bodies that are no JSON in UTF-8."""
    place = random.randrange(1, len(QUESTION))
    question = QUESTION.decode()
    bodies = {
        "random bytes": b"\xff" + random.randbytes(random.randrange(1, 3000)),
        "nothing": b"",
        "blanks": b" \n\t" * random.randrange(1, 999),
        "a JSON text cut short": QUESTION[:place],
        "two JSON texts": QUESTION * random.randint(2, 9),
        "a NUL": QUESTION[:place] + b"\0" + QUESTION[place:],
        "UTF-16": question.encode(random.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32"])),
        "Latin-1": question.replace("Blue", "Qu\u00e3o").encode("latin-1"),
        "a half of a surrogate pair": question.replace("Blue", "\\ud83d").encode(),
        "an overlong UTF-8": QUESTION.replace(b"Blue", b"\xc0\xaf"),
        "brackets": random.choice([b"[", b'{"instances":', b'{"instances":[']) * 50_000,
        "a number without an end": QUESTION.replace(b"9.5", random.choice([b"NaN", b"1e999"])),
        "single quotes": QUESTION.replace(b'"', b"'"),
        "a comment": b"// ours\n" + QUESTION,
        "a comma too many": QUESTION.replace(b"]", b",]"),
        "a form": f"instances={_word(random)}&x=1".encode(),
        "XML": f"<instances>{_word(random)}</instances>".encode(),
    }
    for name, body in bodies.items():
        yield HostileRequest(name, _post(body), (400,))


def _contents(random: Random) -> Iterator[HostileRequest]:
    """Bodies that are JSON and no question."""
    word, number = _word(random), random.randint(-(10**6), 10**6)
    strange = random.choice([None, True, number, word, [word], {word: number}])
    no_list = random.choice([None, True, number, word, {word: number}])
    no_object = random.choice([True, number, word, [word]])
    no_text = random.choice([True, number, [word], {word: number}])
    contents: dict[str, Any] = {
        "no object": random.choice([None, True, number, word, [GOOD]]),
        "no instances": {"signature_name": word},
        "instances that are no list": {"instances": no_list},
        "an empty list": {"instances": []},
        "an unknown key": {"instances": [GOOD], f"x{word}": strange},
        "parameters that are no object": {"instances": [GOOD], "parameters": no_object},
        "an unknown parameter": {"instances": [GOOD], "parameters": {f"x{word}": strange}},
        "a signature that is no text": {"instances": [GOOD], "signature_name": no_text},
        "an unknown signature": {"instances": [GOOD], "signature_name": f"x{word}"},
        "two signatures": {
            "instances": [GOOD],
            "signature_name": "serving_default",
            "parameters": {"signature": "transform_features"},
        },
    }
    for name, content in contents.items():
        yield HostileRequest(name, _post(json.dumps(content).encode()), (400,))
    repeated = random.choice([b'"hour": 8, "hour": 8', b'"hour": 8, "ho\\u0075r": 9'])
    body = QUESTION.replace(b'"hour": 8', repeated)
    yield HostileRequest("a feature twice", _post(body), (400,))


def _instances(random: Random) -> Iterator[HostileRequest]:
    """Instances that the model does not take."""
    word, place = _word(random), random.randrange(20)
    no_object = random.choice([None, True, 1.5, word, [GOOD]])
    instances: dict[str, Any] = {
        "no object": no_object,
        "an unknown feature": {**GOOD, f"x{word}": 1},
        "an odd name": {**GOOD, random.choice(["", " fare", "Fare", "fare\0", "__proto__"]): 1},
        "a text for a number": {**GOOD, "fare": random.choice([word, "9.5", ""])},
        "a list for a number": {**GOOD, "fare": [9.5] * random.randint(0, 3)},
        "a boolean for a number": {**GOOD, "hour": random.choice([True, False])},
        "an object for a text": {**GOOD, "company": {word: word}},
        "a number for a text": {**GOOD, "company": random.randint(0, 10**9)},
        "a fraction for a whole number": {**GOOD, "hour": random.randint(0, 23) + 0.5},
        "a whole number over 64 bits": {**GOOD, "hour": random.choice([-1, 1]) * 2**64},
        "a number over 32 bits": {**GOOD, "fare": random.choice([-1, 1]) * 1e39},
        "a row key that is no text": {**GOOD, "_key": random.choice([1, None, "", word * 100])},
    }
    for name, instance in instances.items():
        body = json.dumps({"instances": [*[GOOD] * place, instance]}).encode()
        yield HostileRequest(f"{name}, at {place}", _post(body), (400,))


def _codings(random: Random) -> Iterator[HostileRequest]:
    """Bodies in gzip that are damaged, and in what is not taken."""
    coded = _gzip(QUESTION)
    place = random.randrange(10, len(coded))
    damaged = bytearray(coded)
    damaged[place] ^= random.randrange(1, 256)
    says_gzip = b"content-encoding: gzip"
    bodies = {
        "a damaged gzip": bytes(damaged),
        "a gzip cut short": coded[:place],
        "a gzip with more behind it": coded + random.randbytes(random.randint(1, 99)),
        "no gzip": QUESTION,
        "gzip of no JSON": _gzip(random.randbytes(99) + b"\xff"),
        "gzip in gzip": _gzip(coded),
    }
    for name, body in bodies.items():
        yield HostileRequest(name, _post(body, says_gzip), (400,))
    yield HostileRequest("gzip that is not announced", _post(coded), (400,))
    for coding in ("br", "deflate", "zstd", "gzip, gzip", _word(random)):
        header = f"content-encoding: {coding}".encode()
        yield HostileRequest(f"the coding {coding}", _post(QUESTION, header), (415,))
    for charset in ("utf-16", "iso-8859-1", "windows-1252", _word(random)):
        header = f"content-type: application/json; charset={charset}".encode()
        yield HostileRequest(f"the charset {charset}", _post(QUESTION, header), (415,))


def _heads(random: Random) -> Iterator[HostileRequest]:
    """Heads that HTTP forbids, and chunks."""
    word = _word(random).encode()
    line = b"POST /predict HTTP/1.1"
    for timeout in (b"0", b"-1", b"nan", b"1e9", word, b"1, 2", b"9" * 5000):
        name = f"X-Request-Timeout: {timeout[:20].decode()}"
        yield HostileRequest(name, _post(QUESTION, b"x-request-timeout: " + timeout), (400,))
    for length in (b"-1", b"1.5", word, b"0x10", b"9" * 400):
        name = f"Content-Length: {length[:20].decode()}"
        content = _request(line, b"content-length: " + length, body=QUESTION)
        yield HostileRequest(name, content, (400, 413))
    lengths = (b"content-length: 9", b"content-length: 10")
    heads = {
        "two lengths": _request(line, *lengths, body=QUESTION),
        "no version": _request(b"POST /predict", body=QUESTION),
        "an unknown version": _request(b"POST /predict HTTP/7.%d" % random.randrange(10)),
        "a blank in the path": _request(b"POST /pre dict HTTP/1.1"),
        "a NUL in a header": _request(line, b"x: a\0b"),
        "a blank in a header's name": _request(line, b"x y: z"),
        "no HTTP": word + b"\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + random.randbytes(64),
    }
    for name, content in heads.items():
        yield HostileRequest(name, content, (400,))
    for size in (b"zz", b"-5", b"", b"f" * 40):
        body = size + b"\r\n" + QUESTION + b"\r\n0\r\n\r\n"
        content = _request(line, b"transfer-encoding: chunked", body=body)
        yield HostileRequest(f"a chunk of {size[:9].decode()} bytes", content, (400, 413))
    cut = random.randrange(1, len(QUESTION))
    yield HostileRequest("no JSON in chunks", _chunked(QUESTION[:cut], b"x"), (400,))


def _routes(random: Random) -> Iterator[HostileRequest]:
    """Paths and methods that are not there."""
    word = _word(random).encode()
    paths = (
        b"/",
        b"/" + word,
        b"/predict/",
        b"//predict",
        b"/predict/../" + word,
        b"/predict%00",
        b"/%ff%fe",
        b"/" + word * 1000,
        b"/predict;" + word,
    )
    for path in paths:
        name = path[:20].decode()
        yield HostileRequest(f"the path {name}", _post(QUESTION, path=path), (404,))
    for method in (b"GET", b"PUT", b"DELETE", b"PATCH", b"OPTIONS"):
        name = method.decode()
        yield HostileRequest(f"{name} /predict", _post(b"", method=method), (405,))
    yield HostileRequest("POST /health", _post(QUESTION, path=b"/health"), (405,))
    yield HostileRequest("POST /metrics", _post(QUESTION, path=b"/metrics"), (405,))


def _sizes(random: Random) -> Iterator[HostileRequest]:
    """Bodies that are too large, and ones that only say so."""
    too_many = json.dumps(
        {"instances": [GOOD] * random.randrange(MAXIMUM_INSTANCES + 1, 5000)}
    ).encode()
    too_large = QUESTION.ljust(MAXIMUM_BYTES + random.randint(1, 10**6))
    bomb = _gzip(bytes(300_000_000))
    chunk = b" " * 100_000
    requests = {
        "too many instances": _post(too_many),
        "too many instances in gzip": _post(_gzip(too_many), b"content-encoding: gzip"),
        "a body too large": _post(too_large),
        "chunks too many": _chunked(*[chunk] * 101),
        "a bomb": _post(bomb, b"content-encoding: gzip"),
        "a length of a terabyte": _request(
            b"POST /predict HTTP/1.1", b"content-length: %d" % 10**12
        ),
    }
    for name, content in requests.items():
        yield HostileRequest(name, content, (413,))
