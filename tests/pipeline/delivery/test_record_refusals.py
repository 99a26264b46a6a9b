"""An unreadable record is never written over.

One sentence says what keeps it from being read or written.
"""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from pipeline.delivery import record_object
from pipeline.delivery.record import encode
from pipeline.errors import RunError
from pipeline.gcp.stage import Stage
from tests.pipeline.delivery.conftest import DEV, FULL, URI


def without(*path: str) -> bytes:
    content = json.loads(encode(FULL))
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return json.dumps(content).encode()


def changed(old: str, new: str) -> bytes:
    text = encode(FULL).decode()
    assert old in text
    return text.replace(old, new).encode()


DAMAGED = {
    "nothing": b"",
    "half of it": encode(FULL)[: len(encode(FULL)) // 2],
    "not text": b"\xff\xfe\x00",
    "null": b"null",
    "a list": b"[]",
    "nested without end": b"[" * 100_000,
    "empty": b"{}",
    "a version alone": b'{"version": 1}',
    "no version": without("version"),
    "a version that is text": changed('"version": 2', '"version": "2"'),
    "a version that is true": changed('"version": 2', '"version": true'),
    "a version that is a fraction": changed('"version": 2', '"version": 2.0'),
    "an older version": changed('"version": 2', '"version": 0'),
    "no commit": without("commit"),
    "no one before": without("models", "cab", "before"),
    "no run": without("models", "cab", "current", "run"),
    "no verdict": without("models", "cab", "current", "passed", "smoke"),
    "an unknown key": changed('"version": 2', '"version": 2, "more": 1'),
    "a commit that is none": changed("b" * 40, "main"),
    "an image by its tag": changed(f"sha256:{'1' * 64}", "latest"),
    "a module that is elsewhere": changed("gs://", "https://"),
    "a number as text": changed("10,", '"10",'),
    "a verdict as text": changed('"smoke": true', '"smoke": "yes"'),
    "a time without a zone": changed("12:00:00Z", "12:00:00"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_record_is_refused_and_left_as_it_is(blob, what):
    blob.upload_from_string(DAMAGED[what])

    with pytest.raises(
        RunError,
        match=f"{URI} is damaged and left as it is .*: restore one of the versions .* or delete it",
    ):
        record_object.read(Stage(DEV))
    with pytest.raises(RunError, match=f"{URI} is damaged"):
        record_object.update(Stage(DEV), lambda _: FULL)

    assert blob.download_as_bytes() == DAMAGED[what]


def test_a_newer_record_is_refused_and_left_as_it_is(blob):
    newer = changed('"version": 2', '"version": 3')
    blob.upload_from_string(newer)

    with pytest.raises(
        RunError, match=f"{URI} is of version 3, allowed is 2: a newer commit wrote it"
    ):
        record_object.update(Stage(DEV), lambda _: FULL)

    assert blob.download_as_bytes() == newer


def test_a_change_that_makes_no_record_is_an_error_of_ours_and_writes_nothing(blob):
    record_object.update(Stage(DEV), lambda _: FULL)

    with pytest.raises(ValidationError):
        record_object.update(Stage(DEV), lambda record: replace(record, commit="main"))

    assert record_object.read(Stage(DEV)) == FULL


def test_a_missing_bucket_is_no_empty_record(store):
    for use in (record_object.read, lambda dev: record_object.update(dev, lambda _: FULL)):
        with pytest.raises(
            RunError,
            match="bucket mill-dev-dev-artifacts is not there in mill-dev: `make doctor env=dev`",
        ):
            use(Stage(DEV))


def test_an_account_that_may_not_write_is_told_so(blob, store):
    store.faults = [403]

    with pytest.raises(
        RunError, match=r"bucket mill-dev-dev-artifacts: Google refuses it .*`make doctor env=dev`"
    ):
        record_object.update(Stage(DEV), lambda _: FULL)


def test_a_request_that_is_refused_is_one_sentence(blob, store):
    store.faults = [400]

    with pytest.raises(
        RunError, match=r"bucket mill-dev-dev-artifacts: Google answered 400: .*planted"
    ):
        record_object.update(Stage(DEV), lambda _: FULL)


def test_missing_credentials_are_one_sentence(monkeypatch, tmp_path):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))

    with pytest.raises(
        RunError,
        match=r"there are no valid Google credentials: run `gcloud auth application-default login`",
    ):
        record_object.read(Stage(DEV))
