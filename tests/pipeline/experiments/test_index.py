"""A row comes from the run's files, whatever became of the index."""

import json
import os
import sqlite3
import subprocess
import sys

import pytest

from pipeline.experiments import index, tags
from tests.pipeline.experiments.run_folders import add_run, run_id


@pytest.fixture
def runs(tmp_path):
    """Three runs that are in the index."""
    folder = tmp_path / "runs"
    for number in range(3):
        add_run(folder, number)
    index.listing(folder)
    return folder


def ids(runs):
    return [row.run for row in index.listing(runs).rows]


def change_summary(runs, number, **changes):
    file = runs / run_id(number) / "summary.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps(document | changes))


def test_a_second_list_is_read_from_the_index_alone(runs, monkeypatch):
    first = index.listing(runs)
    monkeypatch.setattr("pipeline.experiments.local.read", None)  # any call would fail

    second = index.listing(runs)

    assert second == first


def test_a_changed_summary_is_read_again(runs):
    change_summary(runs, 1, state="failed")

    rows = index.listing(runs).rows

    assert [row.state for row in rows] == ["succeeded", "failed", "succeeded"]


def test_a_tag_that_is_added_is_seen(runs):
    tags.keep(runs / run_id(1), ["good"])

    rows = index.listing(runs).rows

    assert rows[1].tags == ("good",)


def test_a_removed_run_is_gone_from_the_list_and_the_index(runs):
    (runs / run_id(1) / "summary.json").unlink()
    (runs / run_id(1)).rmdir()

    assert ids(runs) == [run_id(0), run_id(2)]
    with sqlite3.connect(runs / index.NAME) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (2,)


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_index_changes_no_row(runs, content):
    rows = index.listing(runs)
    (runs / index.NAME).write_bytes(content)

    assert index.listing(runs) == rows
    assert index.listing(runs) == rows


def test_a_damaged_index_is_made_again(runs):
    (runs / index.NAME).write_bytes(b"no database")

    index.listing(runs)
    index.listing(runs)

    with sqlite3.connect(runs / index.NAME) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (3,)


def test_a_row_of_the_index_that_is_none_is_read_again(runs):
    rows = index.listing(runs)
    with sqlite3.connect(runs / index.NAME) as database:
        database.execute("UPDATE runs SET row = '{}'")
    database.close()

    assert index.listing(runs) == rows


def test_rows_of_another_version_are_made_again(runs):
    rows = index.listing(runs)
    with sqlite3.connect(runs / index.NAME) as database:
        database.execute("UPDATE runs SET row = replace(row, 'succeeded', 'from before')")
        database.execute("PRAGMA user_version = 99")
    database.close()

    assert index.listing(runs) == rows


def test_a_locked_index_changes_no_row(runs):
    other = sqlite3.connect(runs / index.NAME)
    other.execute("BEGIN EXCLUSIVE")
    change_summary(runs, 1, state="failed")

    states = [row.state for row in index.listing(runs).rows]

    other.close()
    assert states == ["succeeded", "failed", "succeeded"]


def test_a_folder_without_an_index_that_no_one_may_write_to_is_listed(runs):
    """As another user, since root may write everywhere."""
    (runs / index.NAME).unlink()
    runs.chmod(0o555)
    for parent in [runs, *runs.parents]:
        if parent.stat().st_uid == os.getuid() and parent.stat().st_mode & 0o007 == 0:
            parent.chmod(parent.stat().st_mode | 0o055)
    program = (
        "import os, sys; from pathlib import Path; from pipeline.experiments import index; "
        "os.getuid() or os.setuid(65534); "
        "print(len(index.listing(Path(sys.argv[1])).rows))"
    )

    command = [sys.executable, "-c", program, str(runs)]
    process = subprocess.run(command, capture_output=True, text=True)

    assert process.stdout == "3\n", process.stderr
    assert not (runs / index.NAME).exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "it is no JSON"),
        ("[]", "it is no summary"),
        ('{"version": 2}', "its version is 2, this checkout reads up to 1"),
        ('{"version": 1, "run": "x"}', "it is no summary"),
        ("[" * 100_000, "it is no JSON"),
    ],
)
def test_a_summary_that_cannot_be_read_is_told_and_left_out(runs, text, reason):
    file = runs / run_id(1) / "summary.json"
    file.write_text(text)

    listing = index.listing(runs)

    assert [row.run for row in listing.rows] == [run_id(0), run_id(2)]
    [problem] = listing.problems
    assert problem.startswith(f"{file} is left out")
    assert reason in problem


def test_a_folder_whose_digits_are_no_date_is_left_out(runs):
    folder = runs / "99999999-999999-seat-abcdef"
    folder.mkdir()

    problems = index.listing(runs).problems

    assert problems == [f"{folder} is left out, it has no summary.json"]


def test_a_run_that_was_killed_has_its_tags(runs):
    (runs / run_id(1) / "summary.json").unlink()
    tags.keep(runs / run_id(1), ["trial"])

    rows = index.listing(runs).rows

    assert rows[1].state == "incomplete"
    assert rows[1].tags == ("trial",)


def test_a_killed_run_of_damaged_tags_is_told_and_left_out(runs):
    (runs / run_id(1) / "summary.json").unlink()
    (runs / run_id(1) / "tags.json").write_text("{")

    listing = index.listing(runs)

    assert [row.run for row in listing.rows] == [run_id(0), run_id(2)]
    assert f"{run_id(1)} is left out: " in listing.problems[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("started", 5),
        ("seconds", "12"),
        ("seconds", True),
        ("state", None),
        ("decision", {"blessed": "yes", "published": None, "reason": ""}),
        ("decision", {"blessed": True, "published": None, "reason": ["words"]}),
        ("metrics", {"auc": "high"}),
        ("metrics", {"auc": 10**400}),
        ("seconds", 10**400),
        ("gate", [{"metric": 5}]),
    ],
)
def test_a_summary_with_a_value_of_another_type_is_told_and_left_out(runs, name, value):
    change_summary(runs, 1, **{name: value})

    listing = index.listing(runs)

    assert [row.run for row in listing.rows] == [run_id(0), run_id(2)]
    [problem] = listing.problems
    assert "it is no summary" in problem


def test_a_run_without_a_summary_is_incomplete(runs):
    (runs / run_id(1) / "summary.json").unlink()

    row = index.listing(runs).rows[1]

    assert row.state == "incomplete"
    assert row.model == "seat"
    assert row.started == "2026-03-01T12:00:01+00:00"


@pytest.fixture
def busy_store(runs):
    """The store of the model while another process works in it."""
    program = (
        "import sys; from pathlib import Path; from pipeline.local.store import locked_store\n"
        "with locked_store(Path(sys.argv[1])): print('in', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(runs / "store" / "seat")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate()


def test_the_run_that_began_after_its_store_was_taken_runs_now(runs, request):
    (runs / run_id(2) / "summary.json").unlink()
    request.getfixturevalue("busy_store")
    earlier_id = run_id(0).replace("20260301", "20250301")  # the clock has gone back
    (runs / earlier_id).mkdir()

    states = {row.run: row.state for row in index.listing(runs).rows}

    assert states[earlier_id] == "running"
    assert states[run_id(2)] == "incomplete"


def test_a_run_of_a_store_that_nobody_works_in_was_killed(runs):
    (runs / "store" / "seat").mkdir(parents=True)
    (runs / "store" / "seat" / ".lock").write_text(str(os.getpid()))
    (runs / run_id(9)).mkdir()

    assert index.listing(runs).rows[-1].state == "incomplete"


def test_runs_of_one_second_are_two(tmp_path):
    names = ["20260301-120000-seat-aaaaaa", "20260301-120000-seat-bbbbbb"]
    for name in names:
        add_run(tmp_path, 0, run=name)

    assert ids(tmp_path) == names


def test_an_imported_run_is_listed_by_its_place(runs):
    add_run(runs / "imported" / "project", 0, run="SAN-1")

    row = index.listing(runs).rows[-1]

    assert row.place == "imported"
    assert row.folder == "imported/project/SAN-1"


def test_a_file_in_the_place_of_the_imported_runs_hides_no_other(runs):
    (runs / "imported").write_text("")

    assert ids(runs) == [run_id(number) for number in range(3)]


def test_a_folder_whose_name_is_no_text_is_listed_beside_the_indexed(runs):
    name = os.fsdecode(b"20260301-120009-\xff-000009")
    add_run(runs, 9)
    (runs / run_id(9)).rename(runs / name)

    rows = index.listing(runs).rows
    index.forget(runs, [name])

    assert [row.folder for row in rows] == [*(run_id(number) for number in range(3)), name]
