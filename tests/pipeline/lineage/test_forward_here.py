"""`lineage forward` on this machine: from rows, code and packages to what serves."""

import json
import shlex
import time

import pytest

from pipeline import manifest
from tests.pipeline.lineage.local_runs import LocalRuns
from tests.pipeline.lineage.two_versions import (
    BAD,
    FIRST,
    FIRST_COMMIT,
    FIRST_MODEL,
    FIRST_RUN,
    GOOD,
    SECOND,
    SECOND_COMMIT,
    SECOND_MODEL,
    THIRD_COMMIT,
    THIRD_MODEL,
    THIRD_RUN,
    digests_of,
)


def test_bad_rows_that_no_version_serves_any_more_end_with_0(ask):
    code, answer = ask("forward", "--data", BAD)

    [model] = answer["models"]
    assert code == 0
    assert model["digest"] == FIRST_MODEL
    assert model["servings"][0]["end"] is not None
    assert [judged["digest"] for judged in answer["judged"]] == [SECOND_MODEL]
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
    runs.run(THIRD_RUN, model_digest=digest, commit=THIRD_COMMIT)

    code, answer = ask("forward", "--commit", THIRD_COMMIT)

    [model] = answer["models"]
    assert code == 3
    assert [serving["version"] for serving in model["servings"]] == ["1800000000"]


@pytest.mark.parametrize(
    ("selection", "digests"),
    [
        (("--data", BAD[:12]), [FIRST_MODEL]),
        (("--rows-from", "2026-01-15"), [FIRST_MODEL]),
        (("--rows-from", "2026-01-15", "--until", "2026-02-15"), [FIRST_MODEL, SECOND_MODEL]),
        (("--rows-from", "2025-01-15"), []),
        (("--commit", FIRST_COMMIT), [FIRST_MODEL]),
        (("--image", "sha256:" + "5" * 64), [FIRST_MODEL]),
        (("--package", "tensorflow"), [FIRST_MODEL, SECOND_MODEL]),
        (("--package", "TensorFlow==2.20.0"), [FIRST_MODEL]),
        (("--package", "tensorflow==1.0"), []),
    ],
)
def test_each_cause_reaches_the_models_made_by_it(ask, selection, digests):
    _, answer = ask("forward", *selection)

    assert digests_of(answer) == digests


@pytest.fixture
def cached_run(runs):
    """A third run, of another commit, that took all but its training from the first one."""
    ingested = ("CsvExampleGen", "ImportSchemaGen", "Transform")
    runs.run(
        THIRD_RUN,
        of=FIRST_RUN,
        cached=ingested,
        model_digest=THIRD_MODEL,
        commit=THIRD_COMMIT,
    )


@pytest.mark.usefixtures("cached_run")
def test_a_bad_commit_of_a_cached_step_reaches_later_models(ask):
    _, answer = ask("forward", "--commit", FIRST_COMMIT)

    assert digests_of(answer) == [FIRST_MODEL, THIRD_MODEL]


@pytest.mark.usefixtures("cached_run")
def test_a_commit_is_none_of_the_steps_that_its_run_took_from_the_cache(ask):
    _, answer = ask("forward", "--commit", THIRD_COMMIT)

    assert digests_of(answer) == [THIRD_MODEL]


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
    _, answer = ask("forward", "--commit", SECOND_COMMIT)

    assert digests_of(answer) == [SECOND_MODEL]


def test_a_model_that_several_runs_lead_to_is_told_once(ask):
    _, answer = ask("forward", "--package", "tensorflow")

    assert digests_of(answer) == [FIRST_MODEL, SECOND_MODEL]
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
    runs.run(THIRD_RUN, model_digest=THIRD_MODEL, **TABLES[table])

    _, answer = ask("forward", "--rows-from", "2026-01-01", "--table", "trips")

    digests = digests_of(answer)
    assert digests == [THIRD_MODEL] * reached
