"""A store of this machine is read whole or refused in a sentence, and never written."""

import shutil
import sqlite3

import pytest

from pipeline.errors import RunError
from pipeline.lineage.local_store import LocalStore
from tests.pipeline.lineage.local_runs import LocalRuns


@pytest.fixture
def runs(tmp_path) -> LocalRuns:
    local_runs = LocalRuns(tmp_path / "runs")
    local_runs.run("r1")
    return local_runs


def test_a_missing_store_is_named(tmp_path):
    with pytest.raises(RunError, match=r"there is no such file"):
        LocalStore(tmp_path)


def test_a_truncated_store_is_refused(runs):
    content = runs.file.read_bytes()
    runs.file.write_bytes(content[: len(content) // 2])

    with pytest.raises(RunError, match=r"metadata.db is damaged"):
        LocalStore(runs.store)


@pytest.mark.parametrize("content", [b"", b"no database at all" * 99])
def test_a_file_that_is_no_store_is_refused(runs, content):
    runs.file.write_bytes(content)

    with pytest.raises(RunError, match=r"metadata.db is damaged"):
        LocalStore(runs.store)


def test_an_older_store_is_refused_by_its_version(runs):
    with sqlite3.connect(runs.file) as database:
        database.execute("UPDATE MLMDEnv SET schema_version = 6")

    with pytest.raises(RunError, match=r"schema 6, allowed is 10"):
        LocalStore(runs.store)


def test_a_locked_store_is_said_to_be_locked(runs, monkeypatch):
    monkeypatch.setattr("pipeline.lineage.local_store.WAIT_SECONDS", 0.1)
    with sqlite3.connect(runs.file) as database:
        database.execute("BEGIN EXCLUSIVE")

        with pytest.raises(RunError, match=r"cannot be read \(database is locked\)"):
            LocalStore(runs.store)


def test_a_question_writes_nothing(runs):
    before = runs.file.read_bytes()

    LocalStore(runs.store).of_run("r1")

    assert runs.file.read_bytes() == before
    assert [file.name for file in runs.store.iterdir()] == ["metadata.db"]


def test_a_moved_store_tells_of_its_own_files(runs, tmp_path):
    moved = shutil.copytree(runs.store, tmp_path / "elsewhere/store/cab")

    [model] = LocalStore(moved).artifacts("Model")

    assert model.uri.startswith(f"{moved}/Trainer/model/")


def test_runs_are_in_the_order_of_their_work_where_the_clock_went_back(runs):
    runs.times -= 3_600_000
    runs.run("r0")

    assert LocalStore(runs.store).runs() == ["r1", "r0"]
