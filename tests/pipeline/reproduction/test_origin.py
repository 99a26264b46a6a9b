"""What a run was made of is looked for at once, and all that is gone is named."""

import json

import pytest

from pipeline.errors import RunError
from pipeline.reproduction import origin
from tests.pipeline.conftest import copy_small
from tests.team import MODELS

RUN, NEWER_RUN = "20260101-000000-cab-aaaaaa", "20260102-000000-cab-bbbbbb"


@pytest.fixture(autouse=True)
def models(monkeypatch):
    monkeypatch.setattr(origin, "MODELS", MODELS)


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def asked():
    """A run of a commit that is nowhere, of rows that no file has."""
    records = {"code": {"commit": "c" * 40}, "data": {"sha256": "0" * 64}, "training": {}}
    summary = {"run": RUN, "model": "cab", "records": records}
    return origin.Origin(RUN, summary, RUN, summary)


@pytest.fixture
def publish(runs):
    """A run that published a version at an address, of which it is the newest."""

    def add(run, version, address):
        (runs / "store/cab/published" / version).mkdir(parents=True)
        folder = runs / run
        folder.mkdir()
        decision = {"published": f"{address}/{version}"}
        summary = {"run": folder.name, "model": "cab", "records": {}, "decision": decision}
        (folder / "summary.json").write_text(json.dumps(summary))
        return folder

    return add


def test_the_run_of_the_newest_version_is_known_after_its_folder_was_moved(publish, runs):
    publish(RUN, "9", "/elsewhere")
    newest = publish(NEWER_RUN, "10", "/elsewhere")

    assert origin.folder(runs, "cab") == newest


def test_a_damaged_summary_of_another_run_hides_no_version(publish, runs):
    folder = publish(RUN, "9", "/elsewhere")
    damaged_run = runs / NEWER_RUN
    damaged_run.mkdir()
    (damaged_run / "summary.json").write_text("{")

    assert origin.folder(runs, "cab") == folder


def test_a_version_whose_run_is_gone_is_named(publish, runs):
    folder = publish(RUN, "9", "/elsewhere")
    (folder / "summary.json").write_text("{")

    with pytest.raises(RunError, match="/published/9 cannot be made again: the run that published"):
        origin.folder(runs, "cab")


@pytest.mark.parametrize("name", ["", ".", "..", "cab/", "cab/hyperparameters", "/tmp"])
def test_a_folder_that_is_no_model_is_no_name(cli, runs, publish, name):
    publish(RUN, "9", "/elsewhere")
    result = cli("reproduce", name, "--runs", runs)

    assert result.code == 2
    assert f"there is no run {name!r} in {runs}" in result.sentence


def test_a_model_that_is_being_edited_is_no_obstacle(tmp_path, monkeypatch, asked):
    folder = copy_small("cab", tmp_path)
    (folder / "model.py").write_text("SEED = (")
    monkeypatch.setattr(origin, "MODELS", tmp_path)

    assert [problem for problem in origin.gone(asked, {}) if "data" in problem] == []


def test_rows_are_looked_at_where_git_answers_nothing(tmp_path, monkeypatch, asked):
    monkeypatch.setattr(origin, "REPOSITORY", tmp_path)
    rows = MODELS / "cab/rows.csv"

    problems = origin.gone(asked, {"Trainer": {"model": rows / "nowhere"}})

    no_repository, changed_rows, no_model = problems
    assert "not a git repository" in no_repository
    assert changed_rows.startswith("the data ")
    assert no_model == f"the Trainer's {rows}/nowhere is gone"
