"""The record of deliveries: of several writers at once, nobody's change is lost."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from pipeline.delivery import record_object
from pipeline.delivery.record import EMPTY, Delivery, Record, delivered, encode
from pipeline.errors import RunError
from pipeline.gcp.stage import Stage
from tests.pipeline.delivery.conftest import DEV, FIRST, FULL, SECOND, THIRD, URI
from tests.standins.object_store import LOST


def taken(model: str, delivery: Delivery) -> Callable[[Record], Record]:
    return lambda record: delivered(record, model, delivery)


def test_no_record_is_an_empty_one_from_which_everything_is_delivered(blob):
    assert record_object.read(Stage(DEV)) == EMPTY
    assert EMPTY.commit is None


def test_what_is_written_is_read_again(blob):
    assert record_object.update(Stage(DEV), lambda _: FULL) == FULL

    assert record_object.read(Stage(DEV)) == FULL
    assert (
        json.loads(blob.download_as_bytes())["models"]["cab"]["before"]["registry_version"] == "1"
    )


def test_a_change_that_changes_nothing_writes_nothing(blob):
    record_object.update(Stage(DEV), lambda _: FULL)
    blob.reload()
    generation = blob.generation

    record_object.update(Stage(DEV), lambda record: record)

    blob.reload()
    assert blob.generation == generation


@pytest.mark.parametrize("begin", [EMPTY, FULL])
def test_a_writer_that_comes_between_loses_nothing_and_is_not_lost(blob, begin):
    record_object.update(Stage(DEV), lambda _: begin)
    records = []

    def change(record: Record) -> Record:
        records.append(record)
        if len(records) == 1:
            record_object.update(Stage(DEV), taken("ferry", FIRST))
        return delivered(record, "cab", THIRD)

    record_object.update(Stage(DEV), change)

    models = record_object.read(Stage(DEV)).models
    assert models["ferry"].current == FIRST
    assert models["cab"].current == THIRD
    assert len(records) == 2


def test_writers_at_the_same_time_are_all_in_the_record(blob):
    together = Barrier(2)

    def write(writer: str) -> None:
        for number in range(8):
            together.wait(60)
            record_object.update(Stage(DEV), taken(f"{writer}{number}", FIRST))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, ["a", "b"]))

    assert sorted(record_object.read(Stage(DEV)).models) == sorted(
        f"{writer}{number}" for writer in "ab" for number in range(8)
    )


def test_a_write_whose_answer_is_lost_is_done_once(blob, store):
    record_object.update(Stage(DEV), taken("cab", FIRST))
    store.faults = [LOST]

    record_object.update(Stage(DEV), taken("cab", SECOND))

    entry = record_object.read(Stage(DEV)).models["cab"]
    assert entry.current == SECOND
    assert entry.before == FIRST
    assert not store.faults


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_store_is_asked_again(blob, store, status):
    store.faults = [status]

    record_object.update(Stage(DEV), taken("cab", FIRST))

    assert record_object.read(Stage(DEV)).models["cab"].current == FIRST
    assert not store.faults


def test_a_record_that_never_holds_still_is_given_up(blob, monkeypatch):
    monkeypatch.setattr(record_object, "CONTENDED_SECONDS", 0.5)
    versions = (replace(FIRST, registry_version=str(number)) for number in range(1000))

    def change(record: Record) -> Record:
        blob.upload_from_string(encode(delivered(record, "ferry", next(versions))))
        return delivered(record, "cab", FIRST)

    with pytest.raises(
        RunError, match=f"{URI} was changed by others for 0.5 seconds on end: run it again"
    ):
        record_object.update(Stage(DEV), change)

    assert list(record_object.read(Stage(DEV)).models) == ["ferry"]


def test_a_delivery_keeps_the_one_before_and_no_more():
    record = delivered(delivered(delivered(EMPTY, "cab", FIRST), "cab", SECOND), "cab", THIRD)

    assert record.models["cab"].current == THIRD
    assert record.models["cab"].before == SECOND


def test_a_delivery_told_again_keeps_the_one_before():
    record = delivered(delivered(EMPTY, "cab", FIRST), "cab", SECOND)
    further = replace(SECOND, deployed_model="4712")

    assert delivered(record, "cab", SECOND) == record
    assert delivered(record, "cab", further).models["cab"].before == FIRST


def test_a_delivery_leaves_the_other_models_and_the_record_it_came_from_alone():
    record = delivered(EMPTY, "cab", FIRST)

    both = delivered(record, "ferry", SECOND)

    assert both.models["cab"] == record.models["cab"]
    assert list(record.models) == ["cab"] and not EMPTY.models
