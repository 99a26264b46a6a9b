"""`lineage` on this machine: back from an answer, forward from rows, code and packages."""

import json
import shlex
import sqlite3
import time
import xml.etree.ElementTree as ET

import pytest

from pipeline import manifest
from tests.pipeline.lineage.local_runs import LocalRuns

FIRST, SECOND = "1700000000", "1700003600"  # versions
BAD, GOOD = "1" * 64, "2" * 64  # rows
OLD = {"tensorflow": "2.20.0"}


@pytest.fixture
def runs(tmp_path) -> LocalRuns:
    """Two published versions of cab; the second was compared with the first."""
    local_runs = LocalRuns(tmp_path / "runs")
    window = {"first": "2026-01-01T00:00:00Z", "last": "2026-01-31T00:00:00Z"}
    local_runs.run(
        "20260201-cab-aaaaaa",
        digest=BAD,
        model_digest="a1" * 32,
        commit="1" * 40,
        version=FIRST,
        packages=OLD,
        image="host/p/pipeline@sha256:" + "5" * 64,
        window=window,
    )
    local_runs.run(
        "20260301-cab-bbbbbb",
        digest=GOOD,
        model_digest="b2" * 32,
        commit="2" * 40,
        version=SECOND,
        baseline="20260201-cab-aaaaaa",
        window={"first": "2026-02-01T00:00:00Z", "last": "2026-02-28T00:00:00Z"},
    )
    local_runs.publish(FIRST)
    local_runs.publish(SECOND)
    return local_runs


@pytest.fixture
def ask(runs, cli):
    """The verb's result and its JSON."""

    def _ask(*arguments: str):
        result = cli("lineage", *arguments, "--json", "--runs", runs.root)
        return result.code, json.loads(result.out)

    return _ask


@pytest.fixture
def sentence(runs, cli):
    def _sentence(*arguments: str) -> tuple[int, str]:
        result = cli("lineage", *arguments, "--runs", runs.root)
        return result.code, result.sentence

    return _sentence


@pytest.mark.parametrize(
    "what",
    ["cab", f"cab@{SECOND}", SECOND, "20260301-cab-bbbbbb", "20260301"],
)
def test_each_name_of_a_model_goes_back_to_its_rows_and_commit(ask, what):
    code, answer = ask("back", what)

    [origin] = answer["origins"]
    assert code == 0
    assert origin["version"] == SECOND
    assert origin["data"]["digest"] == GOOD
    assert origin["code"]["commit"] == "2" * 40


def test_who_pushed_a_version_is_told(runs, cli):
    result = cli("lineage", "back", "cab", "--runs", runs.root)

    [line] = [line for line in result.out.splitlines() if line.strip().startswith("pushed")]
    assert line.split() == ["pushed", "by", "us@here"]


def test_a_name_that_holds_control_characters_moves_no_cursor(runs, cli):
    file = runs.root / "20260301-cab-bbbbbb/summary.json"
    summary = json.loads(file.read_text())
    summary["records"]["hyperparameters"] = {"units": "\x1b[2J8\n9"}
    file.write_text(json.dumps(summary))

    result = cli("lineage", "back", "cab", "--runs", runs.root)

    assert "units ?[2J8?9" in result.out


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"changed_files": None}, ", and nobody knows which files differed"),
        ({"changed_files": [], "not_kept": "ignored"}, ", not all that trained is kept"),
    ],
    ids=["unknown", "not kept"],
)
def test_a_commit_is_not_said_to_have_made_what_it_may_not_have(runs, cli, facts, words):
    file = runs.root / "20260301-cab-bbbbbb/summary.json"
    summary = json.loads(file.read_text())
    summary["records"]["code"] |= facts
    file.write_text(json.dumps(summary))

    result = cli("lineage", "back", "cab", "--runs", runs.root)

    assert f"{'2' * 12}{words}" in result.out


def test_the_version_that_answered_at_a_time_is_told(ask):
    _, answer = ask("back", "cab", "--at", "2023-11-14T22:30:00")

    assert [origin["version"] for origin in answer["origins"]] == [FIRST]


def test_a_judge_is_told_with_what_it_compared(ask):
    _, answer = ask("back", "cab")

    [verdict] = answer["origins"][0]["verdicts"]
    assert verdict["blessed"] is True
    assert verdict["against"] == "a1" * 32
    assert verdict["against_run"] == "20260201-cab-aaaaaa"


def test_bad_rows_that_no_version_serves_any_more_end_with_0(ask):
    code, answer = ask("forward", "--data", BAD)

    [model] = answer["models"]
    assert code == 0
    assert model["digest"] == "a1" * 32
    assert model["servings"][0]["end"] is not None
    assert [judged["digest"] for judged in answer["judged"]] == ["b2" * 32]
    assert answer["commands"] == []


def test_bad_rows_that_a_version_serves_end_with_3_and_the_way_back(ask, runs):
    code, answer = ask("forward", "--data", GOOD)

    [command] = answer["commands"]
    assert code == 3
    assert command.startswith(f"mv {runs.store}/published/{SECOND} ")
    assert command.endswith(f"serves {FIRST}")
    assert (runs.store / "published" / SECOND).is_dir()


def test_the_way_back_is_a_command_wherever_the_runs_lie(cli, runs, tmp_path):
    root = runs.root.rename(tmp_path / "runs of ann's")

    result = cli("lineage", "forward", "--data", GOOD, "--json", "--runs", root)

    [command] = json.loads(result.out)["commands"]
    words = shlex.split(command, comments=True)
    published = root / "store/cab/published"
    assert words == ["mv", f"{published}/{SECOND}", f"{published}.{SECOND}"]


def test_a_version_whose_push_was_never_noted_is_known_by_its_files(ask, runs):
    version = runs.publish("1800000000")
    digest = manifest.write(version, manifest.inside(version)).digest
    runs.run("20260401-cab-cccccc", model_digest=digest, commit="3" * 40)

    code, answer = ask("forward", "--commit", "3" * 40)

    [model] = answer["models"]
    assert code == 3
    assert [serving["version"] for serving in model["servings"]] == ["1800000000"]


@pytest.mark.parametrize(
    ("selection", "digests"),
    [
        (("--data", BAD[:12]), ["a1" * 32]),
        (("--rows-from", "2026-01-15"), ["a1" * 32]),
        (("--rows-from", "2026-01-15", "--until", "2026-02-15"), ["a1" * 32, "b2" * 32]),
        (("--rows-from", "2025-01-15"), []),
        (("--commit", "1" * 40), ["a1" * 32]),
        (("--image", "sha256:" + "5" * 64), ["a1" * 32]),
        (("--package", "tensorflow"), ["a1" * 32, "b2" * 32]),
        (("--package", "TensorFlow==2.20.0"), ["a1" * 32]),
        (("--package", "tensorflow==1.0"), []),
    ],
)
def test_each_cause_reaches_the_models_made_by_it(ask, selection, digests):
    _, answer = ask("forward", *selection)

    assert [model["digest"] for model in answer["models"]] == digests


def test_a_bad_commit_of_a_cached_step_reaches_later_models(ask, runs):
    ingested = ("CsvExampleGen", "ImportSchemaGen", "Transform")
    runs.run(
        "20260401-cab-cccccc",
        of="20260201-cab-aaaaaa",
        cached=ingested,
        model_digest="c3" * 32,
        commit="3" * 40,
    )

    _, answer = ask("forward", "--commit", "1" * 40)

    assert [model["digest"] for model in answer["models"]] == ["a1" * 32, "c3" * 32]


def test_a_commit_is_none_of_the_steps_that_its_run_took_from_the_cache(ask, runs):
    ingested = ("CsvExampleGen", "ImportSchemaGen", "Transform")
    runs.run(
        "20260401-cab-cccccc",
        of="20260201-cab-aaaaaa",
        cached=ingested,
        model_digest="c3" * 32,
        commit="3" * 40,
    )

    _, answer = ask("forward", "--commit", "3" * 40)

    assert [model["digest"] for model in answer["models"]] == ["c3" * 32]


def test_five_hundred_versions_of_one_schema_are_followed_within_ten_seconds(cli, tmp_path):
    many = LocalRuns(tmp_path / "many")
    shared = {"of": "first", "cached": ("ImportSchemaGen",)}
    later = [
        (f"r{n}", shared | {"digest": f"{n:064}", "version": str(1_700_000_000 + n)})
        for n in range(499)
    ]
    many.add([("first", {}), *later])
    many.publish("1700000498")
    start = time.perf_counter()

    result = cli("lineage", "forward", "--data", f"{498:064}", "--runs", many.root)

    assert time.perf_counter() - start < 10
    assert result.code == 3


def test_a_commit_reaches_no_model_that_its_run_only_compared_with(ask):
    _, answer = ask("forward", "--commit", "2" * 40)

    assert [model["digest"] for model in answer["models"]] == ["b2" * 32]


def test_a_model_that_several_runs_lead_to_is_told_once(ask):
    _, answer = ask("forward", "--package", "tensorflow")

    assert [model["digest"] for model in answer["models"]] == ["a1" * 32, "b2" * 32]
    assert len(answer["commands"]) == 1


TABLES = {
    "behind a view": {"tables": json.dumps({"p.d.trips": "2026-01-01T00:00:00+00:00"})},
    "in the query": {"query": "SELECT * FROM `p.d.trips`"},
    "perhaps": {"tables": json.dumps({"p.d.other": "x", "and others": "y"})},
    "another": {"tables": json.dumps({"p.d.trips_old": "x"}), "query": "FROM `p.d.trips_old`"},
}


@pytest.mark.parametrize(
    ("table", "reached"),
    [("behind a view", 1), ("in the query", 1), ("perhaps", 1), ("another", 0)],
)
def test_rows_of_a_table_reach_the_models_whose_run_has_read_it(ask, runs, table, reached):
    runs.run("20260401-cab-cccccc", model_digest="c3" * 32, **TABLES[table])

    _, answer = ask("forward", "--rows-from", "2026-01-01", "--table", "trips")

    digests = [model["digest"] for model in answer["models"]]
    assert digests == ["c3" * 32] * reached


@pytest.mark.parametrize("name", ["20260301-cab-bbbbbb", SECOND, f"cab@{SECOND}"])
def test_a_store_that_cannot_be_read_hides_no_other_model(ask, runs, name):
    (runs.root / "store/ferry").mkdir()

    code, answer = ask("back", name)

    assert code == 0
    assert answer["origins"][0]["digest"] == "b2" * 32


def test_an_unknown_name_is_told_with_the_store_that_cannot_be_read(sentence, runs):
    (runs.root / "store/ferry").mkdir()

    code, message = sentence("back", "ferry@7")

    assert code == 2
    assert "not read:" in message
    assert "ferry/metadata.db" in message


def test_a_name_in_stores_of_which_none_can_be_read_fails_by_their_fault(sentence, runs):
    runs.file.write_bytes(b"")

    code, message = sentence("back", "20260301-cab-bbbbbb")

    assert code == 1
    assert "metadata.db is damaged" in message


@pytest.mark.parametrize("version", ["7", "9" * 12, "9" * 20])
def test_a_version_whose_number_is_no_time_is_told(ask, runs, version):
    runs.run("20260401-cab-cccccc", model_digest="c3" * 32, version=version)
    runs.publish(version)

    _, answer = ask("back", f"cab@{version}")

    assert answer["origins"][0]["digest"] == "c3" * 32


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
    file = runs.root / "20260301-cab-bbbbbb/summary.json"
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
    (runs.root / "20260301-cab-bbbbbb/summary.json").unlink()

    code, answer = ask("back", "cab")

    assert code == 0
    assert answer["origins"][0]["digest"] == "b2" * 32
    assert answer["origins"][0]["code"] is None
    assert answer["notes"][0].startswith("the summary of 20260301-cab-bbbbbb is gone")


def test_a_damaged_summary_is_noted_and_the_others_are_told(ask, runs):
    (runs.root / "20260301-cab-bbbbbb/summary.json").write_text("[")

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


@pytest.mark.parametrize("arguments", [("back", "cab"), ("forward", "--data", GOOD)])
def test_the_picture_holds_the_model_and_what_is_said_of_it(cli, runs, tmp_path, arguments):
    file = tmp_path / "lineage.svg"

    cli("lineage", *arguments, "--svg", file, "--runs", runs.root)

    texts = [element.text for element in ET.parse(file).iter() if element.text]
    assert "b2b2b2b2b2b2" in texts
    assert any(SECOND in text for text in texts)


def test_the_text_names_rows_commit_and_parameters(cli, runs):
    result = cli("lineage", "back", "cab", "--runs", runs.root)

    lines = result.out.splitlines()
    assert lines[0] == f"cab version {SECOND}, b2b2b2b2b2b2"
    assert any("1,500 rows, 222222222222" in line for line in lines)
    assert any(line.split() == ["measured", "auc", "0.8125"] for line in lines)
    assert any("commit" in line and "2" * 12 in line for line in lines)
