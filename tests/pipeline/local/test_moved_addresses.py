"""Databases with absolute addresses follow the folder that they lie in."""

import contextlib
import json
import sqlite3

import pytest

from pipeline.errors import RunError
from pipeline.local import addresses, metadata_database
from pipeline.local.metadata_store import MetadataStore
from pipeline.tracking import mlflow_client, sender
from tests.pipeline.experiments.run_folders import add_run


@pytest.fixture
def database(tmp_path):
    """ML Metadata's columns of addresses, in a store at `tmp_path`."""
    with contextlib.closing(sqlite3.connect(tmp_path / "metadata.db")) as database:
        for table, column in metadata_database.COLUMNS:
            database.execute(f"CREATE TABLE {table} ({column} TEXT)")
        yield database


def insert(database, uri):
    database.execute("INSERT INTO Artifact VALUES (?)", [uri])
    database.commit()


def uris(database):
    return [uri for (uri,) in database.execute("SELECT uri FROM Artifact")]


@pytest.mark.parametrize("old", ["/old/cab", "/a[1]b/100%/it's", "/é_日"])
def test_a_stores_artifacts_and_modules_follow_it(old, database, tmp_path):
    insert(database, f"{old}/Trainer/model/8")
    insert(database, f"{old}/modules/0df0")

    metadata_database.prepare(tmp_path)

    assert uris(database) == [f"{tmp_path}/Trainer/model/8", f"{tmp_path}/modules/0df0"]


def test_what_lies_elsewhere_stays(database):
    insert(database, "/older/x")
    insert(database, "gs://bucket/old/x")
    insert(database, "/old")

    addresses.move(database, [("Artifact", "uri")], "/old", "/new")

    assert uris(database) == ["/older/x", "gs://bucket/old/x", "/new"]


def test_a_store_that_stays_is_not_written(database, tmp_path):
    insert(database, f"{tmp_path}/Trainer/model/8")
    content = (tmp_path / "metadata.db").read_bytes()

    metadata_database.prepare(tmp_path)

    assert (tmp_path / "metadata.db").read_bytes() == content


@pytest.mark.parametrize("table", [table for table, _ in metadata_database.COLUMNS])
def test_a_database_without_one_of_its_tables_is_damaged(table, database, tmp_path):
    (tmp_path / "Trainer").mkdir()
    database.execute(f"DROP TABLE {table}")

    with pytest.raises(RunError, match=f"lacks the table {table}.: remove it and run again"):
        metadata_database.prepare(tmp_path)


def test_a_database_that_a_killed_run_has_not_finished_is_none_of_our_business(database, tmp_path):
    database.execute("DROP TABLE ExecutionProperty")

    metadata_database.prepare(tmp_path)

    assert uris(database) == []


def test_an_address_that_is_no_text_moves_nothing(database, tmp_path):
    insert(database, b"\xff/Trainer/model/8")

    metadata_database.prepare(tmp_path)

    assert uris(database) == [b"\xff/Trainer/model/8"]


def test_a_locked_database_is_not_called_damaged(database, tmp_path, monkeypatch):
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda file: connect(file, timeout=0))
    database.execute("BEGIN EXCLUSIVE")

    with pytest.raises(RunError, match=r"cannot be used \(database is locked\)"):
        metadata_database.prepare(tmp_path)


def test_the_trackers_files_follow_it(tmp_path):
    file = tmp_path / "mlflow.db"
    new = "file:///new%20place/mlflow"
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE experiments (artifact_location TEXT)")
        database.execute("CREATE TABLE runs (artifact_uri TEXT)")
        database.execute("INSERT INTO experiments VALUES ('file:///old/mlflow')")
        database.execute("INSERT INTO runs VALUES ('file:///old/mlflow/17/artifacts')")

    mlflow_client.follow(file, new)

    with contextlib.closing(sqlite3.connect(file)) as database:
        [(location,)] = database.execute("SELECT artifact_location FROM experiments")
        [(uri,)] = database.execute("SELECT artifact_uri FROM runs")
    assert location == new
    assert uri == f"{new}/17/artifacts"


@pytest.mark.parametrize("name", ["a#b", "a%20b", "a?b", "a b", "é日"])
def test_the_tracker_keeps_its_files_where_the_runs_are(name, tmp_path):
    folder = tmp_path / name
    run = add_run(folder, 1)

    with sender.started(folder) as tracker:
        tracker.announce(run)
        tracker.send(run, 60)

    kept_files = list(folder.glob("mlflow/*/artifacts/summary.json"))
    names = {path.name for path in folder.iterdir()}
    assert len(kept_files) == 1
    assert names == {run, "outbox", "mlflow", "mlflow.db"}
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_rehearsals_store_follows_it(tmp_path):
    old_uri = "/old/rehearsals/1/Trainer/model"
    executions = {"key": {"model": [{"uri": old_uri}]}}
    content = {
        "artifacts": [{"uri": old_uri}, {"uri": "/old/modules/0df0"}],
        "executions": executions,
    }
    (tmp_path / "metadata.json").write_text(json.dumps(content))

    store = MetadataStore(tmp_path / "metadata.json")

    new_uri = f"{tmp_path}/rehearsals/1/Trainer/model"
    assert [artifact["uri"] for artifact in store.artifacts] == [
        new_uri,
        f"{tmp_path}/modules/0df0",
    ]
    assert store.executions["key"]["model"][0]["uri"] == new_uri


@pytest.mark.parametrize("text", ["", "{", "[]", '{"artifacts": [{}]}'])
def test_a_damaged_store_of_rehearsals_is_told_with_the_way_out(text, tmp_path):
    file = tmp_path / "metadata.json"
    file.write_text(text)

    with pytest.raises(RunError, match=r"is damaged .*: remove it and rehearse again"):
        MetadataStore(file)
