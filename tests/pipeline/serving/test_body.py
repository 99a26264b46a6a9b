"""HTTP's part of a body: its size, coding and charset, and how long its client waits."""

import asyncio
import gzip
import resource
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.serving import body
from pipeline.serving.contract import MAXIMUM_BYTES, RequestError
from pipeline.serving.waiting import ShedError

QUESTION = b'{"instances": [{}]}'
GZIP = (b"content-encoding", b"gzip")


def read(*chunks, size=0, gzip=False, ends=True):
    """The body that arrives in these chunks; the client leaves after them where it does not end."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if ends:
        messages[-1]["more_body"] = False
    messages.append({"type": "http.disconnect"})

    async def receive():
        return messages.pop(0)

    content = asyncio.run(body.read(receive, size, gzip=gzip))
    return bytes(content)


def refusal(function, *arguments, **options):
    with pytest.raises(RequestError) as error:
        function(*arguments, **options)
    return error.value.status, str(error.value)


@given(st.binary(max_size=2000), st.integers(1, 300))
def test_gzip_is_decoded_however_it_is_cut(content, size):
    coded = gzip.compress(content)
    chunks = [coded[start : start + size] for start in range(0, len(coded), size)]

    decoded = read(*chunks, gzip=True)

    assert decoded == content


def test_gzip_files_in_a_row_are_one_body():
    decoded = read(gzip.compress(b'{"instances"') + gzip.compress(b": [{}]}"), gzip=True)

    assert decoded == QUESTION


def test_a_body_is_read_in_full_where_it_just_fits():
    content = QUESTION.ljust(MAXIMUM_BYTES)

    decoded = read(gzip.compress(content), gzip=True)

    assert decoded == content


@pytest.mark.parametrize("coded", [True, False])
def test_a_byte_more_than_fits_is_refused(coded):
    content = b" " * (MAXIMUM_BYTES + 1)
    sent = gzip.compress(content) if coded else content

    status, sentence = refusal(read, sent, gzip=coded)

    assert status == 413
    assert sentence == "the body is too large, allowed are at most 10000000 bytes"


def test_a_bomb_is_refused_without_the_memory():
    zeros = zlib.compressobj(wbits=31)
    parts = [zeros.compress(bytes(10**6)) for _ in range(300)]
    bomb = b"".join([*parts, zeros.flush()])
    assert len(bomb) < 300_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    status, _ = refusal(read, bomb, gzip=True)

    grown_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert status == 413
    assert grown_kilobytes < 60_000


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"", "it ends before it is whole"),
        (QUESTION, "incorrect header check"),
        (zlib.compress(QUESTION), "incorrect header check"),
        (gzip.compress(QUESTION)[:-1], "it ends before it is whole"),
        (gzip.compress(QUESTION)[:-8] + bytes(8), "incorrect data check"),
        (gzip.compress(QUESTION) + b"more", "incorrect header check"),
        (gzip.compress(b"") * 101, "more than 100 gzip files in a row, allowed is one"),
    ],
    ids=["nothing", "plain", "zlib", "cut short", "another checksum", "more behind it", "too many"],
)
def test_what_is_not_gzip_is_refused(sent, says):
    status, sentence = refusal(read, sent, gzip=True)

    assert status == 400
    assert says in sentence


def test_a_client_that_leaves_within_its_body_is_not_answered():
    with pytest.raises(ShedError, match="left"):
        read(b'{"inst', ends=False)


@pytest.mark.parametrize("coding", [b"gzip", b"GZip", b"x-gzip", b"identity, gzip"])
def test_gzip_is_taken_by_all_its_names(coding):
    head = body.head([(b"content-encoding", coding)])

    assert head.gzip


@pytest.mark.parametrize("coding", [b"", b"identity", b" Identity "])
def test_no_coding_has_two_names(coding):
    head = body.head([(b"content-encoding", coding)])

    assert not head.gzip


@pytest.mark.parametrize(
    "headers",
    [
        [(b"content-encoding", b"br")],
        [(b"content-encoding", b"deflate")],
        [(b"content-encoding", b"gzip, gzip")],
        [GZIP, GZIP],
        [(b"content-encoding", b"zstd" * 1000)],
    ],
)
def test_another_coding_is_refused_by_name(headers):
    status, sentence = refusal(body.head, headers)

    assert status == 415
    assert sentence.startswith("Content-Encoding is '")
    assert sentence.endswith("allowed is gzip or none")
    assert len(sentence) < 200


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/json",
        b"application/json; charset=utf-8",
        b'application/json; charset="UTF-8"',
        b"text/plain;CHARSET=utf8",
        b"application/x-www-form-urlencoded",
    ],
)
def test_utf_8_and_no_charset_are_taken(content_type):
    head = body.head([(b"content-type", content_type)])

    assert head == body.Head(0, False, None)


@pytest.mark.parametrize("charset", [b"iso-8859-1", b"utf-16", b'"latin1"', b"\xff", b"x" * 900])
def test_another_charset_is_refused_by_name(charset):
    status, sentence = refusal(body.head, [(b"content-type", b"text/json; charset=" + charset)])

    assert status == 415
    assert sentence.startswith("the charset is '")
    assert sentence.endswith("allowed is utf-8")
    assert len(sentence) < 200


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(b"2", 2), (b"0.25", 0.25), (b"86400", 86400), (b"0.30000000000000004", 0.1 * 3)],
)
def test_a_timeout_is_a_number_of_seconds(value, seconds):
    head = body.head([(b"x-request-timeout", value)])

    assert head.timeout_seconds == seconds


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"0",
        b"0.0",
        b"-1",
        b"nan",
        b"inf",
        b"1e9",
        b"1_0",
        b"5s",
        b"\xb2",
        b"9" * 5000,
        b"1, 2",
    ],
)
def test_another_timeout_is_refused(value):
    status, sentence = refusal(body.head, [(b"x-request-timeout", value)])

    assert status == 400
    assert sentence.startswith("X-Request-Timeout is '")
    assert "allowed is a number of seconds above 0" in sentence
    assert len(sentence) < 200
