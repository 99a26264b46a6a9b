"""The record of what was delivered: nobody's change is lost, and nothing that can't be read is written over."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from google.cloud import storage
from pydantic import ValidationError

from environments import ENVIRONMENTS
from pipeline.delivery import record_object
from pipeline.delivery.record import EMPTY, Delivery, Images, Passed, Record, delivered, encode
from pipeline.errors import RunError
from tests.standins import object_store
from tests.standins.object_store import LOST, ObjectStore

DEV = ENVIRONMENTS["dev"]
URI = "gs://acme-ml-dev-dev-artifacts/delivery.json"
FIRST = Delivery(
    commit="a" * 40,
    images=Images(pipeline=f"sha256:{'1' * 64}", serving=f"sha256:{'2' * 64}"),
    modules={"model": "gs://acme-ml-dev-dev-artifacts/modules/taxi/abc/model.py"},
    run="projects/1/locations/us-central1/pipelineJobs/dev-taxi-1",
    registry_version="1",
    deployed_model="4711",
    delivered_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    passed=Passed(run_succeeded=True, blessed=True, smoke=True, traffic_steps=(1, 10, 50, 100)),
)
SECOND = replace(FIRST, commit="b" * 40, registry_version="2", deployed_model=None)
THIRD = replace(FIRST, commit="c" * 40, registry_version="3")
FULL = replace(delivered(delivered(EMPTY, "taxi", FIRST), "taxi", SECOND), commit="b" * 40, images=FIRST.images)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    with object_store.serving() as store:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", store.url)
        yield store


@pytest.fixture
def blob(store: ObjectStore) -> Any:
    """The record's object, in a bucket that is there."""
    return storage.Client(project="p").create_bucket("acme-ml-dev-dev-artifacts").blob("delivery.json")


def taken(model: str, delivery: Delivery) -> Callable[[Record], Record]:
    return lambda record: delivered(record, model, delivery)


def test_no_record_is_an_empty_one_from_which_everything_is_delivered(blob):
    assert record_object.read(DEV) == EMPTY
    assert EMPTY.commit is None


def test_what_is_written_is_read_again(blob):
    assert record_object.update(DEV, lambda _: FULL) == FULL

    assert record_object.read(DEV) == FULL
    assert json.loads(blob.download_as_bytes())["models"]["taxi"]["before"]["registry_version"] == "1"


def test_a_change_that_changes_nothing_writes_nothing(blob):
    record_object.update(DEV, lambda _: FULL)
    blob.reload()
    before = blob.generation

    record_object.update(DEV, lambda record: record)

    blob.reload()
    assert blob.generation == before


@pytest.mark.parametrize("begin", [EMPTY, FULL])
def test_a_writer_that_comes_between_loses_nothing_and_is_not_lost(blob, begin):
    record_object.update(DEV, lambda _: begin)
    seen = []

    def change(record: Record) -> Record:
        seen.append(record)
        if len(seen) == 1:
            record_object.update(DEV, taken("flights", FIRST))
        return delivered(record, "taxi", THIRD)

    record_object.update(DEV, change)

    left = record_object.read(DEV).models
    assert (left["flights"].current, left["taxi"].current) == (FIRST, THIRD)
    assert len(seen) == 2


def test_writers_at_the_same_time_are_all_in_the_record(blob):
    together = Barrier(2)

    def write(writer: str) -> None:
        for number in range(8):
            together.wait(60)
            record_object.update(DEV, taken(f"{writer}{number}", FIRST))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, ["a", "b"]))

    assert sorted(record_object.read(DEV).models) == sorted(f"{writer}{number}" for writer in "ab" for number in range(8))


def test_a_write_whose_answer_is_lost_is_done_once(blob, store):
    record_object.update(DEV, taken("taxi", FIRST))
    store.faults = [LOST]

    record_object.update(DEV, taken("taxi", SECOND))

    found = record_object.read(DEV).models["taxi"]
    assert (found.current, found.before) == (SECOND, FIRST)
    assert not store.faults


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_store_is_asked_again(blob, store, status):
    store.faults = [status]

    record_object.update(DEV, taken("taxi", FIRST))

    assert record_object.read(DEV).models["taxi"].current == FIRST
    assert not store.faults


def test_a_record_that_never_holds_still_is_given_up(blob, monkeypatch):
    monkeypatch.setattr(record_object, "CONTENDED_SECONDS", 0.5)
    others = (replace(FIRST, registry_version=str(number)) for number in range(1000))

    def change(record: Record) -> Record:
        blob.upload_from_string(encode(delivered(record, "flights", next(others))))
        return delivered(record, "taxi", FIRST)

    with pytest.raises(RunError, match=f"{URI}: Cloud Storage did not do it .*412 POST.*; run it again"):
        record_object.update(DEV, change)

    assert list(record_object.read(DEV).models) == ["flights"]


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
    "a version that is text": changed('"version": 1', '"version": "2"'),
    "a version that is true": changed('"version": 1', '"version": true'),
    "a version that is a fraction": changed('"version": 1', '"version": 1.0'),
    "an older version": changed('"version": 1', '"version": 0'),
    "no commit": without("commit"),
    "no one before": without("models", "taxi", "before"),
    "no run": without("models", "taxi", "current", "run"),
    "no verdict": without("models", "taxi", "current", "passed", "smoke"),
    "an unknown key": changed('"version": 1', '"version": 1, "more": 1'),
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

    with pytest.raises(RunError, match=f"{URI} is damaged and left as it is .*: restore one of the versions .* or delete it"):
        record_object.read(DEV)
    with pytest.raises(RunError, match=f"{URI} is damaged"):
        record_object.update(DEV, lambda _: FULL)

    assert blob.download_as_bytes() == DAMAGED[what]


def test_a_newer_record_is_refused_and_left_as_it_is(blob):
    newer = changed('"version": 1', '"version": 2, "more": 1')
    blob.upload_from_string(newer)

    with pytest.raises(RunError, match=f"{URI} is of version 2, allowed is 1: a newer commit wrote it"):
        record_object.update(DEV, lambda _: FULL)

    assert blob.download_as_bytes() == newer


def test_a_change_that_makes_no_record_is_an_error_of_ours_and_writes_nothing(blob):
    record_object.update(DEV, lambda _: FULL)

    with pytest.raises(ValidationError):
        record_object.update(DEV, lambda record: replace(record, commit="main"))

    assert record_object.read(DEV) == FULL


def test_a_missing_bucket_is_no_empty_record(store):
    for use in (record_object.read, lambda dev: record_object.update(dev, lambda _: FULL)):
        with pytest.raises(RunError, match="no bucket acme-ml-dev-dev-artifacts: deploy dev's foundation, `make doctor env=dev`"):
            use(DEV)


def test_an_account_that_may_not_write_is_told_so(blob, store):
    store.faults = [403]

    with pytest.raises(RunError, match=f"{URI}: this account may not use it .*`make doctor env=dev`"):
        record_object.update(DEV, lambda _: FULL)


def test_a_request_that_is_refused_is_one_sentence(blob, store):
    store.faults = [400]

    with pytest.raises(RunError, match=f"{URI}: Cloud Storage did not do it .*planted.*; run it again"):
        record_object.update(DEV, lambda _: FULL)


def test_missing_credentials_are_one_sentence(monkeypatch, tmp_path):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))

    with pytest.raises(RunError, match=r"Google does not know who asks .*: run `gcloud auth application-default login`"):
        record_object.read(DEV)


def test_a_delivery_keeps_the_one_before_and_no_more():
    record = delivered(delivered(delivered(EMPTY, "taxi", FIRST), "taxi", SECOND), "taxi", THIRD)

    assert (record.models["taxi"].current, record.models["taxi"].before) == (THIRD, SECOND)


def test_a_delivery_told_again_keeps_the_one_before():
    record = delivered(delivered(EMPTY, "taxi", FIRST), "taxi", SECOND)
    further = replace(SECOND, deployed_model="4712")

    assert delivered(record, "taxi", SECOND) == record
    assert delivered(record, "taxi", further).models["taxi"].before == FIRST


def test_a_delivery_leaves_the_other_models_and_the_record_it_came_from_alone():
    record = delivered(EMPTY, "taxi", FIRST)

    both = delivered(record, "flights", SECOND)

    assert both.models["taxi"] == record.models["taxi"]
    assert list(record.models) == ["taxi"] and not EMPTY.models
