"""`lineage forward` on this machine: from rows, code and packages to what serves."""

import json
import shlex
import time

import pytest

from pipeline import manifest
from tests.pipeline.lineage.local_runs import LocalRuns
from tests.pipeline.lineage.two_versions import BAD, FIRST, GOOD, SECOND


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
