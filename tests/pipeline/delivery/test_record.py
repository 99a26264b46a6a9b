"""The record of deliveries: of several writers at once, nobody's change is lost."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from pipeline.delivery import record_object, shared_object
from pipeline.delivery.record import EMPTY, Record, decode, delivered, encode
from pipeline.errors import RunError
from pipeline.gcp.stage import Stage
from tests.pipeline.delivery.conftest import (
    AFTER_SECOND,
    DEV,
    FIRST,
    FULL,
    SECOND,
    THIRD,
    URI,
    add_delivery,
    recorded_cab,
    write_record,
)
from tests.standins.fault_proxy import LOST


def test_no_record_is_an_empty_one_from_which_everything_is_delivered(blob, dev):
    record = record_object.read(dev)

    assert record == EMPTY
    assert EMPTY.commit is None


def test_what_is_written_is_read_again(blob, dev):
    result = record_object.update(dev, lambda _: FULL)

    content = blob.download_as_bytes()
    document = json.loads(content)
    cab = document["models"]["cab"]
    assert result == FULL
    assert record_object.read(dev) == FULL
    assert cab["before"]["registry_version"] == "1"


def test_a_change_that_changes_nothing_writes_nothing(blob, dev):
    write_record(dev, FULL)
    first_object = blob.bucket.get_blob(blob.name)

    record_object.update(dev, lambda record: record)

    second_object = blob.bucket.get_blob(blob.name)
    assert second_object.generation == first_object.generation


@pytest.mark.parametrize("begin", [EMPTY, FULL])
def test_a_writer_that_comes_between_loses_nothing_and_is_not_lost(blob, dev, begin):
    write_record(dev, begin)
    other_writer = Stage(DEV)
    records = []

    def change(record: Record) -> Record:
        records.append(record)
        if len(records) == 1:
            add_delivery(other_writer, "ferry", FIRST)
        return delivered(record, "cab", THIRD)

    record_object.update(dev, change)

    models = record_object.read(dev).models
    assert models["ferry"].current == FIRST
    assert models["cab"].current == THIRD
    assert len(records) == 2


def test_writers_at_the_same_time_are_all_in_the_record(blob, dev):
    together = Barrier(2)

    def write(writer: str) -> None:
        stage = Stage(DEV)
        for number in range(8):
            together.wait(60)
            add_delivery(stage, f"{writer}{number}", FIRST)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, ["a", "b"]))

    record = record_object.read(dev)
    names = [f"{writer}{number}" for writer in "ab" for number in range(8)]
    assert sorted(record.models) == names


def test_a_write_whose_answer_is_lost_is_done_once(blob, store, dev):
    add_delivery(dev, "cab", FIRST)
    store.faults = [LOST]

    add_delivery(dev, "cab", SECOND)

    model = recorded_cab(dev)
    assert model.current == SECOND
    assert model.before == FIRST
    assert not store.faults


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_store_is_asked_again(blob, store, dev, status):
    store.faults = [status]

    add_delivery(dev, "cab", FIRST)

    model = recorded_cab(dev)
    assert model.current == FIRST
    assert not store.faults


def test_a_record_that_never_holds_still_is_given_up(blob, dev, monkeypatch):
    monkeypatch.setattr(shared_object, "CONTENDED_SECONDS", 0.5)
    versions = (replace(FIRST, registry_version=str(number)) for number in range(1000))

    def change(record: Record) -> Record:
        others_record = delivered(record, "ferry", next(versions))
        content = encode(others_record)
        blob.upload_from_string(content)
        return delivered(record, "cab", FIRST)

    message = f"{URI} was changed by others for 0.5 seconds on end: run it again"
    with pytest.raises(RunError, match=message):
        record_object.update(dev, change)

    record = record_object.read(dev)
    assert list(record.models) == ["ferry"]


def test_a_delivery_keeps_the_one_before_and_no_more():
    record = delivered(AFTER_SECOND, "cab", THIRD)

    model = record.models["cab"]
    assert model.current == THIRD
    assert model.before == SECOND


def test_a_delivery_told_again_keeps_the_one_before():
    further = replace(SECOND, deployed_model="4712")

    same_record = delivered(AFTER_SECOND, "cab", SECOND)
    new_record = delivered(AFTER_SECOND, "cab", further)

    assert same_record == AFTER_SECOND
    assert new_record.models["cab"].before == FIRST


def test_a_delivery_leaves_the_other_models_and_the_record_it_came_from_alone():
    record = delivered(EMPTY, "cab", FIRST)

    both = delivered(record, "ferry", SECOND)

    assert both.models["cab"] == record.models["cab"]
    assert list(record.models) == ["cab"]
    assert not EMPTY.models


def older(version: int) -> bytes:
    """The full record as that version writes it."""
    document = json.loads(encode(FULL))
    document["version"] = version
    for model in document["models"].values():
        for delivery in (model["current"], model["before"]):
            del delivery["model_digest"], delivery["data_digest"]
        if version == 1:
            del model["change"]
    text = json.dumps(document)
    return text.encode()


@pytest.mark.parametrize("version", [1, 2])
def test_a_record_of_an_older_version_is_read_and_names_no_digest(version):
    content = older(version)

    assert decode(content, URI) == FULL


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_record_is_written_as_one_of_the_third_version(blob, dev, version):
    content = older(version)
    blob.upload_from_string(content)

    add_delivery(dev, "cab", THIRD)

    document = json.loads(blob.download_as_bytes())
    assert document["version"] == 3
    assert document["models"]["cab"]["current"]["model_digest"] is None


def test_a_record_s_digests_are_read_again(blob, dev):
    delivery = replace(FIRST, model_digest="1" * 64, data_digest="2" * 64)

    add_delivery(dev, "cab", delivery)

    assert recorded_cab(dev).current == delivery
