"""Which runs may go, and why the others stay."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.experiments.prune.removal import look
from tests.pipeline.experiments.prune.old_runs import (
    LATER,
    OldRuns,
    names,
    reasons,
    rules,
    run_id,
)
from tests.pipeline.lineage.local_runs import NODES


@pytest.fixture
def cab(tmp_path):
    return OldRuns(tmp_path / "runs")


def decision(**values):
    return {"decision": {"blessed": False, "published": None, "reason": ""} | values}


def test_all_but_the_newest_of_each_model_may_go(cab):
    runs = [cab.old(number) for number in range(4)]
    bus = OldRuns(cab.root, "bus")
    bus_runs = [bus.old(number) for number in range(3)]

    outcome = look(cab.root, rules(keep=2))

    assert {each.run for each in outcome.going} == {*runs[:2], *bus_runs[:1]}
    kept = [*runs[2:], *bus_runs[1:]]
    assert outcome.spared == {run: ["newest"] for run in kept}


def test_one_model_is_looked_at_alone_where_it_is_named(cab):
    cab.old(0)
    cab.old(1)
    bus = OldRuns(cab.root, "bus")
    bus_runs = [bus.old(number) for number in range(2)]

    outcome = look(cab.root, rules(), "bus")

    assert [each.run for each in outcome.going] == bus_runs[:1]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"tags": ["x", "keep"]}, "tagged keep"),
        ({"document": decision(blessed=True)}, "blessed"),
        ({"blessed": 1}, "blessed"),
        ({"document": decision(published="/elsewhere/published/7")}, "served"),
        ({"version": "7"}, "served"),
        ({"document": {"started": "2999-01-01T00:00:00+00:00"}}, "start in the future"),
        ({"document": {"started": "at noon"}}, "start unknown"),
        ({"document": {"version": 99}}, "unreadable"),
        ({"document": {"run": "another"}}, "unreadable"),
        ({"document": {"model": "../cab"}}, "unreadable"),
        ({"document": {"decision": None}}, "unreadable"),
        ({"tags": "keep"}, "unreadable"),
    ],
)
def test_a_run_stays_for_what_it_is(cab, facts, reason):
    run = cab.old(0, **facts)
    cab.old(1)
    cab.publish("7")

    assert reason in reasons(cab.root, run)
    assert names(cab.root) == []


def test_a_run_without_any_of_that_may_go(cab):
    run = cab.old(0, version="6")  # which is not in the folder any more, and was never blessed
    cab.old(1)
    cab.publish("7")

    assert names(cab.root) == [run]


def test_a_half_written_summary_is_told(cab):
    run = cab.old(0)
    cab.old(1)
    (cab.root / run / "summary.json").write_text('{"version": 1, "run')

    outcome = look(cab.root, rules())

    [problem] = outcome.problems
    assert problem.startswith(f"{cab.root / run} is spared: ")
    assert outcome.spared[run] == ["unreadable"]


def test_a_run_that_never_ended_may_go(cab):
    run = cab.old(0)
    cab.old(1)
    (cab.root / run / "summary.json").unlink()

    assert names(cab.root) == [run]


def test_a_folder_that_names_a_path_for_its_model_is_of_none(cab):
    run = "20200301-120000-..-00000a"
    (cab.root / run).mkdir()

    assert reasons(cab.root, run) == ["unreadable"]


def test_a_tag_spares_a_run_that_never_ended(cab):
    run = cab.old(0, tags=["keep"])
    cab.old(1)
    (cab.root / run / "summary.json").unlink()

    assert reasons(cab.root, run) == ["tagged keep"]


def started(time):
    return {"document": {"started": time.isoformat()}}


@pytest.mark.parametrize(("days", "expected"), [(179, ["younger than 180 days"]), (181, [])])
def test_180_days_are_counted_from_the_start(cab, days, expected):
    run = cab.old(0, **started(LATER - timedelta(days=days)))
    cab.old(1, **started(LATER))

    assert reasons(cab.root, run) == expected


def test_a_folder_that_changed_lately_makes_its_run_young(cab):
    run = cab.old(0)
    cab.old(1)
    lately = (LATER - timedelta(days=3)).timestamp()
    os.utime(cab.root / run, (lately, lately))

    assert reasons(cab.root, run) == ["younger than 180 days"]


def test_a_run_of_a_clock_that_was_wrong_is_no_older_than_the_one_before_it(cab):
    """Its id, its summary and its folder all say 2001."""
    cab.old(0, **started(LATER - timedelta(days=3)))
    run = cab.run("20010101-000000-cab-00000a", blessed=0, **started(datetime(2001, 1, 1)))
    cab.old(2, **started(LATER))
    long_ago = datetime(2001, 1, 1, tzinfo=UTC).timestamp()
    os.utime(cab.root / run, (long_ago, long_ago))

    assert reasons(cab.root, run) == ["younger than 180 days"]


def test_a_run_of_a_clock_in_the_future_spares_none_but_itself(cab):
    early_run = cab.old(0, **started(LATER + timedelta(days=9)))
    run = cab.old(1)
    cab.old(2)

    assert reasons(cab.root, early_run) == ["start in the future"]
    assert names(cab.root) == [run]


def test_of_two_runs_of_one_second_the_newest_is_the_one_recorded_last(cab):
    first, second = (cab.run(f"20200301-120000-cab-00000{end}", blessed=0) for end in "ba")

    assert names(cab.root) == [first]
    assert reasons(cab.root, second) == ["newest"]


def test_the_maker_of_what_a_run_without_a_folder_took_stays(cab):
    maker = cab.old(0)
    folderless_run = cab.cached(1, maker)
    cab.old(2)
    shutil.rmtree(cab.root / folderless_run)

    assert reasons(cab.root, maker) == ["ancestor of a kept run"]


def test_the_runs_that_a_kept_one_took_artifacts_from_stay(cab):
    maker = cab.old(0)
    second = cab.cached(1, maker)
    cab.old(2)
    partly = cab.old(3, of=second, cached=("CsvExampleGen", "ImportSchemaGen", "Transform"))

    assert reasons(cab.root, maker) == ["ancestor of a kept run"]
    assert reasons(cab.root, partly) == ["newest"]
    assert names(cab.root) == [second, run_id(2)]


def test_an_ancestor_of_an_ancestor_stays(cab):
    maker = cab.old(0)
    nodes = [node for node in NODES if node != "CsvExampleGen"]
    second = cab.old(1, of=maker, cached=("CsvExampleGen",))
    cab.old(2)
    cab.old(3, of=second, cached=nodes[:3])

    assert names(cab.root) == [run_id(2)]


def test_the_model_that_a_kept_one_was_judged_against_stays(cab):
    baseline = cab.old(0)
    cab.old(1)
    cab.old(2, baseline=baseline)

    assert reasons(cab.root, baseline) == ["ancestor of a kept run"]


def test_the_run_that_trained_a_kept_one_s_model_stays_by_its_summary_alone(cab):
    maker = cab.old(0)
    cab.old(1)
    cab.old(2, trained_by=maker)

    assert reasons(cab.root, maker) == ["ancestor of a kept run"]


def test_a_cached_run_goes_and_its_maker_s_artifacts_are_not_counted(cab):
    maker = cab.old(0, tags=["keep"])
    cached = cab.cached(1, maker)
    cab.old(2)

    [going] = look(cab.root, rules()).going
    files = [file.stat().st_size for file in (cab.root / cached).iterdir()]
    assert going.run == cached
    assert going.folders == []
    assert going.size == sum(files)


def test_an_imported_run_is_none_of_these(cab):
    imported = cab.root / "imported/team/SAN-1"
    imported.mkdir(parents=True)
    summary = json.loads((cab.root / cab.old(0) / "summary.json").read_text())
    (imported / "summary.json").write_text(json.dumps(summary))
    cab.old(1)

    outcome = look(cab.root, rules())

    assert [each.run for each in outcome.going] == [run_id(0)]
    assert list(outcome.spared) == [run_id(1)]


def test_nothing_goes_where_the_metadata_are_gone_and_artifacts_are_there(cab):
    cab.old(0)
    cab.old(1)
    cab.file.unlink()

    outcome = look(cab.root, rules())

    [sentence] = outcome.refusals
    assert "metadata.db is missing" in sentence
    assert outcome.going == []


def test_runs_of_a_model_without_a_store_may_go(tmp_path):
    cab = OldRuns(tmp_path / "runs")
    run = cab.old(0)
    cab.old(1)
    cab.store.rename(tmp_path / "aside")

    assert names(cab.root) == [run]
