"""An unreadable record is never written over.

One sentence says what keeps it from being read or written.
"""

import json

import pytest
from pydantic import ValidationError

from pipeline.delivery import record_object
from pipeline.delivery.record import encode
from pipeline.errors import RunError
from tests.pipeline.delivery.conftest import (
    FIRST,
    FULL,
    SECOND,
    URI,
    edit_record,
    write_record,
)

CONTENT = encode(FULL)
MIDDLE = len(CONTENT) // 2


def without(*path: str) -> bytes:
    """The record without the value at this path."""
    *outer_keys, last_key = path
    document = json.loads(CONTENT)
    inner = document
    for key in outer_keys:
        inner = inner[key]
    del inner[last_key]
    text = json.dumps(document)
    return text.encode()


def changed(old: str, new: str) -> bytes:
    """The record with `new` for each `old`."""
    text = CONTENT.decode()
    assert old in text
    new_text = text.replace(old, new)
    return new_text.encode()


MISSING = {
    "no version": ("version",),
    "no commit": ("commit",),
    "no one before": ("models", "cab", "before"),
    "no run": ("models", "cab", "current", "run"),
    "no digest": ("models", "cab", "current", "model_digest"),
    "no verdict": ("models", "cab", "current", "passed", "smoke"),
}
CHANGED = {
    "a version that is text": ('"version": 3', '"version": "2"'),
    "a version that is true": ('"version": 3', '"version": true'),
    "a version that is a fraction": ('"version": 3', '"version": 3.0'),
    "an older version": ('"version": 3', '"version": 0'),
    "an unknown key": ('"version": 3', '"version": 3, "more": 1'),
    "a commit that is none": (SECOND.commit, "main"),
    "a digest that is none": ('"model_digest": null', '"model_digest": "1a2b"'),
    "an image by its tag": (FIRST.images.pipeline, "latest"),
    "a module that is elsewhere": ("gs://", "https://"),
    "a number as text": ("10,", '"10",'),
    "a verdict as text": ('"smoke": true', '"smoke": "yes"'),
    "a time without a zone": ("12:00:00Z", "12:00:00"),
}
DAMAGED = {
    "nothing": b"",
    "half of it": CONTENT[:MIDDLE],
    "not text": b"\xff\xfe\x00",
    "null": b"null",
    "a list": b"[]",
    "nested without end": b"[" * 100_000,
    "empty": b"{}",
    "a version alone": b'{"version": 1}',
}
DAMAGED |= {name: without(*path) for name, path in MISSING.items()}
DAMAGED |= {name: changed(old, new) for name, (old, new) in CHANGED.items()}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_record_is_refused_and_left_as_it_is(blob, dev, what):
    content = DAMAGED[what]
    blob.upload_from_string(content)
    remedy = "restore one of the versions .* or delete it"

    with pytest.raises(RunError, match=f"{URI} is damaged and left as it is .*: {remedy}"):
        record_object.read(dev)
    with pytest.raises(RunError, match=f"{URI} is damaged"):
        write_record(dev, FULL)

    assert blob.download_as_bytes() == content


def test_a_newer_record_is_refused_and_left_as_it_is(blob, dev):
    newer = changed('"version": 3', '"version": 4')
    blob.upload_from_string(newer)
    message = f"{URI} is of version 4, allowed is 3: a newer commit wrote it"

    with pytest.raises(RunError, match=message):
        write_record(dev, FULL)

    assert blob.download_as_bytes() == newer


def test_a_change_that_makes_no_record_is_an_error_of_ours_and_writes_nothing(blob, dev):
    write_record(dev, FULL)

    with pytest.raises(ValidationError):
        edit_record(dev, commit="main")

    assert record_object.read(dev) == FULL


def test_a_missing_bucket_is_no_empty_record(store, dev):
    message = "bucket mill-dev-dev-artifacts is not there in mill-dev: `make doctor env=dev`"

    with pytest.raises(RunError, match=message):
        record_object.read(dev)
    with pytest.raises(RunError, match=message):
        write_record(dev, FULL)


def test_an_account_that_may_not_write_is_told_so(blob, store, dev):
    store.faults = [403]
    message = r"bucket mill-dev-dev-artifacts: Google refuses it .*`make doctor env=dev`"

    with pytest.raises(RunError, match=message):
        write_record(dev, FULL)


def test_a_request_that_is_refused_is_one_sentence(blob, store, dev):
    store.faults = [400]
    message = r"bucket mill-dev-dev-artifacts: Google answered 400: .*planted"

    with pytest.raises(RunError, match=message):
        write_record(dev, FULL)


def test_missing_credentials_are_one_sentence(dev, monkeypatch, tmp_path):
    missing_file = str(tmp_path / "none.json")
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", missing_file)
    message = r"there are no valid Google credentials: run `gcloud auth application-default login`"

    with pytest.raises(RunError, match=message):
        record_object.read(dev)
