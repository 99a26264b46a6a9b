"""The run of a model's newest version is known, and nothing else is taken for a model."""

import json

import pytest

from pipeline.errors import RunError
from pipeline.reproduction import origin
from tests.team import MODELS

RUN, NEWER_RUN = "20260101-000000-cab-aaaaaa", "20260102-000000-cab-bbbbbb"


@pytest.fixture(autouse=True)
def models(monkeypatch):
    monkeypatch.setattr(origin, "MODELS", MODELS)


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


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
