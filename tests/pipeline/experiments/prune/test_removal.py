"""What goes with a run, and what never does."""

import fcntl
import json
import sqlite3
from contextlib import closing

import pytest

from pipeline.errors import ConfigurationError, RunError
from pipeline.experiments import find, index, local
from pipeline.experiments.prune import removal
from pipeline.lineage import asked
from pipeline.lineage.here import Here
from pipeline.lineage.local_store import LocalStore, folders_of
from pipeline.local import pruned, run_names
from pipeline.local.pruned import Entry
from pipeline.tracking import outbox
from tests.pipeline.disk import mounted
from tests.pipeline.experiments.prune.old_runs import (
    LATER,
    OldRuns,
    reasons,
    refs,
    repository,
    rules,
    run_id,
)

PATH = '{"version": 1, "runs": {"../x": {"model": "cab", "date": "2026-11-28"}}}'
TABLES = ("Context", "Execution", "Artifact", "Event", "Association", "ArtifactProperty")


@pytest.fixture
def cab(tmp_path):
    return OldRuns(tmp_path / "runs")


@pytest.fixture
def git(tmp_path):
    return repository(tmp_path / "git", run_id(0), run_id(1))


def rows(cab):
    """How many rows each table has."""
    with closing(sqlite3.connect(cab.file)) as database:
        count = {}
        for table in TABLES:
            [(count[table],)] = database.execute(f"SELECT count(*) FROM {table}")
    return count


def files(folder):
    return {path for path in folder.rglob("*") if path.is_file()}


def test_a_run_goes_with_all_that_only_it_left(cab, git, tmp_path):
    run = cab.old(0)
    cab.old(1)
    single = OldRuns(tmp_path / "single")
    single.old(1)
    cab.track(run, "a" * 32)
    outbox.put(cab.root, outbox.Entry(run, "here"))
    index.listing(cab.root)

    outcome = removal.remove(cab.root, rules(), repository=git)

    assert [each.run for each in outcome.going] == [run]
    assert not (cab.root / run).exists()
    assert len(files(cab.store) - {cab.store / ".lock"}) == len(files(single.store))
    assert rows(cab) == rows(single)
    assert refs(git) == [run_id(1)]
    assert outbox.names(cab.root) == []
    assert not (cab.root / "mlflow" / ("a" * 32)).exists()
    with closing(sqlite3.connect(cab.root / "mlflow.db")) as database:
        assert database.execute("SELECT * FROM runs").fetchall() == []
        assert database.execute("SELECT * FROM metrics").fetchall() == []
    with closing(sqlite3.connect(cab.root / index.NAME)) as database:
        assert database.execute("SELECT folder FROM runs").fetchall() == [(run_id(1),)]


def test_the_bytes_are_those_that_are_free_afterwards(cab, git):
    cab.track(cab.old(0), "a" * 32)
    cab.old(1)
    names = ("store/cab/metadata.db", "store/cab/.lock", "mlflow.db", "pruned.json", ".index.db")
    kept = {cab.root / name for name in names}
    before = sum(file.stat().st_size for file in files(cab.root) - kept)

    [going] = removal.remove(cab.root, rules(), repository=git).going

    after = sum(file.stat().st_size for file in files(cab.root) - kept)
    assert going.size == before - after


def test_a_run_that_was_renamed_in_mlflow_goes_by_its_tag(cab, git):
    run = cab.old(0)
    cab.old(1)
    folder = cab.track(run, "a" * 32)
    with closing(sqlite3.connect(cab.root / "mlflow.db")) as database, database:
        database.execute("UPDATE runs SET name = 'the good one'")
        database.execute("INSERT INTO tags VALUES ('esteira.run', ?, ?)", [run, "a" * 32])

    removal.remove(cab.root, rules(), repository=git)

    with closing(sqlite3.connect(cab.root / "mlflow.db")) as database:
        assert database.execute("SELECT * FROM runs").fetchall() == []
    assert not folder.exists()


def test_a_run_of_mlflow_s_whose_id_is_a_path_removes_nothing_there(cab, git):
    run = cab.old(0)
    cab.old(1)
    folder = cab.track(run, "../store")

    removal.remove(cab.root, rules(), repository=git)

    assert (folder / "artifacts/report.html").exists()
    assert not (cab.root / run).exists()


def test_looking_changes_nothing(cab):
    cab.old(0)
    cab.old(1)
    before = {path: path.stat().st_mtime_ns for path in cab.root.rglob("*")}

    removal.look(cab.root, rules())

    assert {path: path.stat().st_mtime_ns for path in cab.root.rglob("*")} == before


def test_what_a_kept_cached_run_was_made_of_is_all_there(cab, git):
    maker = cab.old(0)
    cab.cached(1, maker)
    cab.old(2)
    kept = cab.cached(3, maker)

    removal.remove(cab.root, rules(), repository=git)

    store = LocalStore(cab.store)
    folders = [path for outputs in folders_of(store, kept).values() for path in outputs.values()]
    assert store.runs() == [maker, kept]
    assert len(folders) == 7
    assert all((folder / "data").is_file() for folder in folders)


def test_a_module_goes_with_the_last_run_that_names_it(cab, git):
    first, second = cab.old(0), cab.old(1)
    own = cab.module(first, "a" * 64)
    shared = cab.module(first, "b" * 64)
    cab.module(second, "b" * 64)
    foreign = cab.store / "modules" / ("c" * 64)
    foreign.mkdir()

    removal.remove(cab.root, rules(), repository=git)

    assert not own.exists()
    assert shared.exists()
    assert foreign.exists()


def test_what_is_published_stays(cab, git):
    cab.old(0)
    cab.old(1)
    version = cab.publish("5")

    removal.remove(cab.root, rules(), repository=git)

    assert files(version)


def test_an_imported_run_stays(cab, git):
    imported = cab.root / "imported/team/SAN-1/summary.json"
    imported.parent.mkdir(parents=True)
    imported.write_text("{}")
    cab.old(0)
    cab.old(1)

    removal.remove(cab.root, rules(), repository=git)

    assert imported.exists()


def test_a_model_that_runs_now_is_left_and_another_one_goes_on(cab, git):
    run = cab.old(0)
    cab.old(1)
    bus = OldRuns(cab.root, "bus")
    bus_run = bus.old(0)
    bus.old(1)
    with (cab.store / ".lock").open("a") as lock:
        lock.write("4711")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)

        outcome = removal.remove(cab.root, rules(), repository=git)

    [sentence] = outcome.refusals
    assert "process 4711 is running this model" in sentence
    assert [each.run for each in outcome.going] == [bus_run]
    assert (cab.root / run).exists()


def test_a_second_removal_at_once_is_refused(cab, git):
    cab.old(0)
    with local.alone(cab.root), pytest.raises(RunError, match="another `runs prune` works here"):
        removal.remove(cab.root, rules(), repository=git)


def test_a_removed_run_is_told_wherever_a_run_is_named(cab, git):
    run = cab.old(0)
    cab.old(1)
    removal.remove(cab.root, rules(), repository=git)
    sentence = f"the run {run} was pruned on {LATER.date()}: it is not here any more"

    for name in (run, run[:18]):
        with pytest.raises(ConfigurationError, match=sentence):
            find.folder(cab.root, name)
        with pytest.raises(ConfigurationError, match=sentence):
            run_names.folder(cab.root, name)
        with pytest.raises(ConfigurationError, match=sentence):
            asked.subjects(Here(cab.root), name)


def test_several_removed_runs_of_one_beginning_are_named(cab, git):
    runs = [cab.old(number) for number in range(6)]
    removal.remove(cab.root, rules(), repository=git)

    with pytest.raises(ConfigurationError) as error:
        find.folder(cab.root, "20200301-120000")
    assert runs[0] in str(error.value)
    assert pruned.told(cab.root, "20200301-12000").endswith(", and 2 more: it is not here any more")


def test_a_name_that_no_run_had_stays_unknown(cab, git):
    cab.old(0)
    cab.old(1)
    removal.remove(cab.root, rules(), repository=git)

    with pytest.raises(ConfigurationError, match="the nearest are"):
        find.folder(cab.root, "20270101")


def test_what_cannot_be_removed_is_told_and_finished_by_the_next_call(cab, git):
    run = cab.old(0)
    cab.old(1)
    lock = git / ".git/refs/esteira/runs" / f"{run}.lock"
    lock.touch()  # as a git that was killed leaves it

    failed = removal.remove(cab.root, rules(), repository=git)
    lock.unlink()
    finished = removal.remove(cab.root, rules(), repository=git)

    [sentence] = failed.refusals
    assert "git update-ref failed" in sentence
    assert failed.going == []
    assert failed.unfinished == [run]
    assert failed.spared == {run_id(1): ["its model's runs cannot be removed now"]}
    assert finished.finished == [run]
    assert refs(git) == [run_id(1)]
    assert pruned.read(cab.root)[run] == Entry(model="cab", date=str(LATER.date()))


def test_a_folder_in_use_is_named_and_removed_later(cab, git):
    run = cab.old(0)
    cab.old(1)

    with mounted(cab.root / run / "mount"):
        failed = removal.remove(cab.root, rules(), repository=git)
    finished = removal.remove(cab.root, rules(), repository=git)

    [sentence] = failed.refusals
    assert "mount cannot be removed (Device or resource busy)" in sentence
    assert finished.finished == [run]
    assert not (cab.root / run).exists()


def test_a_planned_run_that_another_took_from_the_cache_meanwhile_stays(cab, git):
    """The removal was killed after the list was written, and before the metadata."""
    maker = cab.old(0)
    folder = cab.root.joinpath("store/cab/Trainer/model")
    planned = Entry(
        model="cab",
        date="2026-11-28",
        state=pruned.PLANNED,
        folders=tuple(f"store/cab/Trainer/model/{each.name}" for each in folder.iterdir()),
        in_metadata=True,
    )
    pruned.keep(cab.root, {maker: planned})
    cab.cached(1, maker)

    outcome = removal.remove(cab.root, rules(), repository=git)

    assert outcome.spared[maker] == ["ancestor of a kept run"]
    assert len(list(folder.iterdir())) == 2
    assert pruned.read(cab.root) == {}


def test_a_listed_folder_that_the_metadata_name_again_stays(cab, git):
    """The database was removed meanwhile, and its executions begin at 1 again."""
    run = cab.old(1)
    module = cab.module(run, "a" * 64)
    artifact = cab.store / "Trainer/model/4"
    folders = [artifact, artifact.with_name("4.manifest.json"), module]
    entry = Entry(
        model="cab",
        date="2026-11-28",
        state=pruned.BEGUN,
        folders=tuple(str(folder.relative_to(cab.root)) for folder in folders),
    )
    pruned.keep(cab.root, {run_id(0): entry})

    outcome = removal.remove(cab.root, rules(), repository=git)

    assert outcome.finished == [run_id(0)]
    assert all(folder.exists() for folder in folders)


@pytest.mark.parametrize("folder", ["../x", "store/../../x", "/tmp/x", "store", "20200301-a"])
def test_a_list_that_names_a_foreign_folder_is_refused(cab, git, folder):
    cab.old(0)
    entry = Entry(model="cab", date="2026-11-28", state=pruned.BEGUN, folders=(folder,))
    pruned.keep(cab.root, {"r": entry})

    outcome = removal.remove(cab.root, rules(), repository=git)

    [sentence] = outcome.refusals
    assert "which is no folder of a run" in sentence


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"version": 1}', '{"version": 1, "runs": {"a": 1}}', PATH, '{"version": 2}'],
)
def test_a_list_that_cannot_be_read_stops_all(cab, git, text):
    run = cab.old(0)
    cab.old(1)
    (cab.root / "pruned.json").write_text(text)

    with pytest.raises(RunError, match=r"pruned\.json is (damaged|of version 2)"):
        removal.remove(cab.root, rules(), repository=git)
    assert (cab.root / run).exists()
    assert (cab.root / "pruned.json").read_text() == text


def test_a_damaged_list_leaves_the_other_verbs_as_they_were(cab):
    run = cab.old(0)
    (cab.root / "pruned.json").write_text("{")

    assert find.folder(cab.root, run).name == run
    with pytest.raises(ConfigurationError, match="there is no run 'x'"):
        find.folder(cab.root, "x")


@pytest.mark.parametrize("damage", ["no database at all", ""])
def test_a_damaged_tracker_keeps_all_runs(cab, git, damage):
    run = cab.old(0)
    cab.old(1)
    (cab.root / "mlflow.db").write_text(damage * 200)

    outcome = removal.remove(cab.root, rules(), repository=git)

    assert (cab.root / run).exists() == bool(damage)
    assert len(outcome.refusals) == bool(damage)


def test_metadata_of_another_version_keep_all_runs(cab, git):
    run = cab.old(0)
    cab.old(1)
    with closing(sqlite3.connect(cab.file)) as database, database:
        database.execute("UPDATE MLMDEnv SET schema_version = 11")

    outcome = removal.remove(cab.root, rules(), repository=git)

    [sentence] = outcome.refusals
    assert "schema 11, allowed is 10" in sentence
    assert (cab.root / run).exists()


def test_a_folder_without_git_has_no_refs(cab, tmp_path):
    run = cab.old(0)
    cab.old(1)

    removal.remove(cab.root, rules(), repository=tmp_path)

    assert not (cab.root / run).exists()


def test_the_list_grows(cab, git):
    first = cab.old(0)
    cab.old(1)
    removal.remove(cab.root, rules(), repository=git)
    cab.old(2)

    removal.remove(cab.root, rules(), repository=git)

    document = json.loads((cab.root / "pruned.json").read_text())
    assert document["version"] == 1
    assert list(document["runs"]) == [first, run_id(1)]
    assert document["runs"][first] == {"model": "cab", "date": str(LATER.date())}


def test_a_link_among_a_run_s_files_is_not_followed(cab, git, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "data").write_text("keep")
    (cab.root / cab.old(0) / "link").symlink_to(outside)
    cab.old(1)

    removal.remove(cab.root, rules(), repository=git)

    assert (outside / "data").read_text() == "keep"


def test_what_is_begun_is_looked_at_no_more(cab):
    run = cab.old(0)
    cab.old(1)
    entry = Entry(model="cab", date="2026-11-28", state=pruned.BEGUN)
    pruned.keep(cab.root, {run: entry})

    outcome = removal.look(cab.root, rules())

    assert outcome.unfinished == [run]
    assert reasons(cab.root, run) == []
    assert outcome.going == []
