"""`lineage` on this machine where a name, a store, a record or a clock is not as it should be."""

import json
import sqlite3

import pytest

from tests.pipeline.lineage.local_runs import LocalRuns
from tests.pipeline.lineage.two_versions import (
    BAD,
    FIRST,
    SECOND,
    SECOND_MODEL,
    SECOND_RUN,
    THIRD_MODEL,
    THIRD_RUN,
)


@pytest.mark.parametrize("name", [SECOND_RUN, SECOND, f"cab@{SECOND}"])
def test_a_store_that_cannot_be_read_hides_no_other_model(ask, runs, name):
    (runs.root / "store/ferry").mkdir()

    code, answer = ask("back", name)

    assert code == 0
    assert answer["origins"][0]["digest"] == SECOND_MODEL


def test_an_unknown_name_is_told_with_the_store_that_cannot_be_read(sentence, runs):
    (runs.root / "store/ferry").mkdir()

    code, message = sentence("back", "ferry@7")

    assert code == 2
    assert "not read:" in message
    assert "ferry/metadata.db" in message


def test_a_name_in_stores_of_which_none_can_be_read_fails_by_their_fault(sentence, runs):
    runs.file.write_bytes(b"")

    code, message = sentence("back", SECOND_RUN)

    assert code == 1
    assert "metadata.db is damaged" in message


@pytest.mark.parametrize("version", ["7", "9" * 12, "9" * 20])
def test_a_version_whose_number_is_no_time_is_told(ask, runs, version):
    runs.run(THIRD_RUN, model_digest=THIRD_MODEL, version=version)
    runs.publish(version)

    _, answer = ask("back", f"cab@{version}")

    assert answer["origins"][0]["digest"] == THIRD_MODEL


@pytest.mark.parametrize(
    ("record", "value", "words"),
    [
        ("code", {"commit": 3}, "(commit: Input should be a valid string)"),
        ("data", [], "(: Input should be a valid dictionary)"),
        ("data", {"rows": "many"}, "(rows: Input should be a valid integer"),
        ("data", {"window": 7}, "(window: Input should be a valid dictionary)"),
        ("environment", {"python": "3", "packages": []}, "(pipfile_lock_sha256: Field required)"),
        ("hyperparameters", None, "(: Input should be a valid dictionary)"),
    ],
)
def test_a_record_of_another_type_is_noted(ask, runs, record, value, words):
    file = runs.root / f"{SECOND_RUN}/summary.json"
    summary = json.loads(file.read_text())
    summary["records"][record] = value
    file.write_text(json.dumps(summary))

    code, answer = ask("back", "cab")

    assert code == 0
    assert words in answer["notes"][0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("back", "ferry"), "'ferry' is no model, run, version"),
        (("back", "cab@99"), "or it was pruned: the nearest are"),
        (("back", "202"), "is no model"),
        (("back", SECOND, "--at", "2026-01-01"), "--at goes with a model"),
        (("back", "cab", "--at", "yesterday"), "allowed is a time as"),
        (("back", "cab", "--at", "2000-01-01"), "cab's first delivery"),
        (("back", "cab", "--at", "9999-12-31T23:59:59-12:00"), "allowed is a time as"),
        (("back", "4711", "--request-log", "log"), "'log', allowed is PROJECT.DATASET.TABLE"),
        (("forward", "--rows-from", "2026-01-01", "--until", ""), "--until is ''"),
        (("forward", "--rows-from", "2026-01-01", "--table", ""), "--table is ''"),
        (("forward", "--data", BAD, "--table", ""), "--table goes with --rows-from"),
        (("forward", "--data", "f" * 64), "--data is 'fff"),
        (("forward", "--commit", "f" * 40), "--commit is 'fff"),
        (("forward", "--package", "nothing"), "--package is 'nothing'"),
        (("forward", "--rows-from", "soon"), "allowed is a day as YYYY-MM-DD"),
        (("forward", "--rows-from", "2026-02-01", "--until", "2026-01-01"), "--until is"),
        (("forward", "--data", BAD, "--until", "2026-01-01"), "--until goes with --rows-from"),
        (("forward", "--data", BAD, "--model", "ferry"), "--model is 'ferry', allowed are cab"),
        (("back", "cab", "--env", "dev", "--request-log", "a.b.c"), "--request-log goes without"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(sentence, arguments, words):
    code, message = sentence(*arguments)

    assert words in message
    assert code == 2


def test_all_of_an_ambiguous_name_are_named(sentence, runs):
    runs.run("20260301-cab-cccccc")

    code, message = sentence("back", "20260301-cab")

    assert code == 2
    assert "20260301-cab-bbbbbb, 20260301-cab-cccccc" in message


def test_a_version_of_two_models_is_ambiguous(sentence, runs):
    ferry = LocalRuns(runs.root, "ferry")
    ferry.run("20260301-ferry-dddddd", version=SECOND)
    ferry.publish(SECOND)

    _, message = sentence("back", SECOND)

    assert f"cab@{SECOND}, ferry@{SECOND}" in message


def test_a_pruned_run_leaves_what_its_metadata_say(ask, runs):
    (runs.root / f"{SECOND_RUN}/summary.json").unlink()

    code, answer = ask("back", "cab")

    assert code == 0
    assert answer["origins"][0]["digest"] == SECOND_MODEL
    assert answer["origins"][0]["code"] is None
    assert answer["notes"][0].startswith("the summary of 20260301-cab-bbbbbb is gone")


def test_a_damaged_summary_is_noted_and_the_others_are_told(ask, runs):
    (runs.root / f"{SECOND_RUN}/summary.json").write_text("[")

    _, answer = ask("forward", "--data", BAD)

    assert len(answer["models"]) == 1
    assert "20260301-cab-bbbbbb is left out" in answer["notes"][0]


def test_a_model_whose_store_cannot_be_read_is_noted_and_the_others_are_told(ask, runs):
    ferry = LocalRuns(runs.root, "ferry")
    ferry.file.write_bytes(b"")

    _, answer = ask("forward", "--data", BAD)

    assert len(answer["models"]) == 1
    assert answer["notes"][0].startswith("ferry is left out")


def test_a_version_that_was_taken_away_serves_no_more(ask, runs):
    (runs.store / "published" / SECOND).rename(runs.store / "withdrawn")

    _, answer = ask("back", "cab")

    assert [origin["version"] for origin in answer["origins"]] == [FIRST]


def test_a_clock_that_went_back_leaves_no_version_that_ends_before_it_begins(ask, runs):
    with sqlite3.connect(runs.file) as database:
        database.execute("UPDATE Execution SET create_time_since_epoch = 1000")

    _, answer = ask("forward", "--rows-from", "2026-01-01", "--until", "2026-12-31")

    spans = [
        (serving["begin"], serving["end"] or "9")
        for model in answer["models"]
        for serving in model["servings"]
    ]
    assert len(spans) == 2
    assert all(begin < end for begin, end in spans)
