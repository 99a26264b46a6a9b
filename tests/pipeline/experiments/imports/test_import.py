"""`runs import` takes over what neptune-exporter wrote, and loses and doubles nothing."""

import json
import math
import os
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.experiments.imports import schema, store
from settings import REPOSITORY
from tests.pipeline.experiments.imports.neptune_export import (
    SCHEMA,
    file,
    point,
    rows_of_a_run,
    sanitized,
    scalar,
    write_file,
    write_run,
)
from tests.pipeline.provenance.keys import KINDS, private_key, public_key

RUN = f"imported/{sanitized('team/seats')}/{sanitized('SEAT-1')}"


@pytest.fixture
def export(tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def imported(cli, export, runs):
    """Import the export; return the answer and each run's part of it by its folder."""

    def call(*arguments):
        answer = cli("runs", "import", export, "--runs", runs, "--json", *arguments)
        document = json.loads(answer.out)
        return answer, {run["run"] or run["source"]: run for run in document["runs"]}

    return call


def summary(runs, run=RUN):
    return json.loads((runs / run / "summary.json").read_text())


def test_each_row_is_counted_by_its_type(export, imported):
    rows = rows_of_a_run()
    write_run(export, rows)

    answer, outcomes = imported()

    counts = outcomes[RUN]["counts"]
    assert answer.code == 0
    assert sum(counts["read"].values()) == len(rows)
    assert counts["read"] == counts["taken"]
    assert counts["read"]["float_series"] == 2
    assert counts["left_out"] == {}


def test_the_list_of_runs_has_an_imported_one_by_its_metrics(cli, export, imported, runs):
    write_run(export, rows_of_a_run())
    imported()

    where = "metrics/loss < 0.5 and tag = night and parameters/units = 8"
    answer = cli("runs", "--runs", runs, "--where", where, "--sort", "-test/auc", "--json")

    [row] = json.loads(answer.out)
    assert row["place"] == "imported"
    assert row["model"] == "team/seats"
    assert row["started"] == "2025-05-01T08:00:00+00:00"
    assert row["seconds"] == 280.5
    assert row["state"] == "succeeded"
    assert row["tags"] == ["best", "night", "paper"]
    assert row["metrics"] == {"metrics/loss": 0.4, "test/auc": 0.93}
    assert row["hyperparameters"]["parameters/optimizer"] == "adam"


def test_the_summary_keeps_what_neptune_knew(export, imported, runs):
    write_run(export, rows_of_a_run())

    imported()

    facts = summary(runs)["imported"]
    assert facts["id"] == "SEAT-1"
    assert facts["name"] == "seats by night"
    assert facts["owner"] == "ana"
    assert facts["ended"] == "2025-05-01T08:05:00+00:00"
    assert facts["fork"] == {"parent": "SEAT-0", "step": 12.5}


def test_rows_that_are_no_points_are_kept_as_they_were(export, imported, runs):
    [part] = write_run(export, rows_of_a_run())

    imported()

    exported = pq.read_table(part).to_pylist()
    kept = pq.read_table(runs / RUN / "attributes.parquet").to_pylist()
    assert kept == [row for row in exported if row["attribute_type"] != "float_series"]


def test_a_curve_of_three_parts_keeps_steps_times_and_order(export, imported, runs):
    points = [point("loss", f"{number}.000001", number / 7, number) for number in range(30)]
    write_run(export, points, parts=3)

    imported()

    series = pq.read_table(runs / RUN / "series.parquet").to_pylist()
    assert [each["step"] for each in series] == [float(f"{number}.000001") for number in range(30)]
    assert [each["value"] for each in series] == [number / 7 for number in range(30)]
    assert series[29]["time"] == points[29]["timestamp"]
    assert summary(runs)["metrics"] == {"loss": 29 / 7}


def test_eleven_parts_are_read_by_number(export, imported, runs):
    write_run(export, [point("loss", "1", number) for number in range(11)], parts=11)

    imported()

    series = pq.read_table(runs / RUN / "series.parquet")
    assert series["value"].to_pylist() == list(range(11))


def test_nan_and_infinity_stay_in_the_curve_and_are_no_number_in_the_summary(
    export, imported, runs
):
    write_run(export, [point("a", "1", math.nan), point("b", "1", -math.inf)])

    imported()

    values = pq.read_table(runs / RUN / "series.parquet")["value"].to_pylist()
    assert math.isnan(values[0])
    assert values[1] == -math.inf
    assert summary(runs)["metrics"] == {"a": None, "b": None}
    assert summary(runs)["imported"]["without_number"] == ["a", "b"]


def test_two_projects_and_names_that_look_alike_stay_apart(export, imported, runs):
    names = [("team/seats", "a b"), ("team/seats", "a/b"), ("team_seats", "a b")]
    for project, run in names:
        write_run(export, [scalar("x", "int", 1)], project=project, run=run)

    _, outcomes = imported()

    folders = {f"imported/{sanitized(project)}/{sanitized(run)}" for project, run in names}
    assert set(outcomes) == folders
    ids = [summary(runs, folder)["imported"]["id"] for folder in sorted(folders)]
    assert sorted(ids) == ["a b", "a b", "a/b"]


def test_an_id_that_leads_elsewhere_stays_inside(export, imported, runs):
    write_run(export, [scalar("x", "int", 1)], project="../..", run="../../../x")

    imported()

    [folder] = [path.parent for path in runs.rglob("summary.json")]
    assert folder.parent.parent == runs / "imported"


def test_what_cannot_be_taken_is_counted_by_reason(export, imported):
    nameless = {"attribute_type": "int", "int_value": 1}
    rows = [
        scalar("x", "int", 1),
        {"attribute_path": "git", "attribute_type": "unknown"},
        {"attribute_path": "y", "attribute_type": "float"},
        nameless,
    ]
    write_run(export, rows)

    answer, outcomes = imported()

    counts = outcomes[RUN]["counts"]
    assert answer.code == 0
    assert counts["taken"] == {"int": 1}
    assert counts["left_out"] == {
        "it has no attribute_path": {"int": 1},
        "it has no value of its type": {"float": 1},
        "its attribute_type is unknown": {"unknown": 1},
    }


def test_files_are_copied_and_those_from_outside_are_not(export, imported, runs, tmp_path):
    (tmp_path / "secret").write_text("secret")
    write_file(export, "SEAT-1/plot.png", "plot")
    write_file(export, "SEAT-1/folder/a.txt", "a")
    link = write_file(export, "SEAT-1/link")
    link.unlink()
    link.symlink_to(tmp_path / "secret")
    rows = [
        file("plot", "SEAT-1/plot.png"),
        file("folder", "SEAT-1/folder", "file_set"),
        file("up", "../../../secret"),
        file("root", str(tmp_path / "secret")),
        file("link", "SEAT-1/link"),
        file("gone", "SEAT-1/gone", "file_series"),
        file("long", "x" * 5000, "file_series"),
        file("long", "/".join(["x" * 200] * 50), "file_series"),
    ]
    write_run(export, rows)

    _, outcomes = imported()

    counts = outcomes[RUN]["counts"]
    assert counts["taken"] == {"file": 1, "file_set": 1}
    assert counts["left_out"] == {
        "its file is a symbolic link, or has one on its way or in it": {"file": 1},
        "its file is missing": {"file_series": 3},
        "its file's path leads out of the export": {"file": 2},
    }
    copies = sorted(path.read_text() for path in (runs / RUN / "files").rglob("*.*"))
    assert copies == ["a", "plot"]


def test_a_file_that_comes_later_is_taken_then(export, imported, runs):
    write_run(export, [file("plot", "plot.png")])
    imported()
    write_file(export, "plot.png", "plot")

    _, outcomes = imported()

    assert outcomes[RUN]["outcome"] == "replaced"
    assert (runs / RUN / "files/plot.png").read_text() == "plot"


def test_an_unchanged_run_is_left_as_it_is(export, imported, runs):
    write_run(export, rows_of_a_run())
    _, first = imported()
    inode = os.stat(runs / RUN).st_ino

    _, second = imported()

    assert second[RUN]["outcome"] == "unchanged"
    assert second[RUN]["counts"] == first[RUN]["counts"]
    assert os.stat(runs / RUN).st_ino == inode


def test_a_changed_run_is_replaced_and_keeps_its_marks(cli, export, imported, runs):
    write_run(export, rows_of_a_run())
    imported()
    cli("runs", "tag", "SEAT-1", "keep", "--runs", runs)
    cli("runs", "tag", "SEAT-1", "night", "--remove", "--runs", runs)
    write_run(export, [*rows_of_a_run(), scalar("new", "int", 1)])

    _, outcomes = imported()

    assert outcomes[RUN]["outcome"] == "replaced"
    assert summary(runs)["metrics"]["new"] == 1
    assert json.loads((runs / RUN / "tags.json").read_text()) == ["best", "paper", "keep"]


def test_a_file_that_changes_in_a_folder_of_the_export_is_taken_again(export, imported, runs):
    write_file(export, "set/inner/plot.png", "plot")
    write_run(export, [*rows_of_a_run(), file("set", "set")])
    imported()
    write_file(export, "set/inner/plot.png", "another")

    _, outcomes = imported()

    assert outcomes[RUN]["outcome"] == "replaced"
    assert (runs / RUN / "files/set/inner/plot.png").read_text() == "another"


@pytest.mark.parametrize(
    "name", ["summary.json", "series.parquet", "attributes.parquet", "files/plot.png"]
)
def test_a_run_that_lost_a_file_is_repaired(export, imported, runs, name):
    write_file(export, "plot.png", "plot")
    write_run(export, [*rows_of_a_run(), file("plot", "plot.png")])
    imported()
    (runs / RUN / name).unlink()

    _, outcomes = imported()

    assert outcomes[RUN]["outcome"] == "replaced"
    assert (runs / RUN / name).exists()


def test_a_run_that_was_taken_out_when_the_import_was_killed_is_put_back(
    cli, export, imported, runs
):
    write_run(export, rows_of_a_run())
    imported()
    cli("runs", "tag", "SEAT-1", "keep", "--runs", runs)
    old = runs / ".importing/old" / RUN.removeprefix("imported/")
    old.parent.mkdir(parents=True)
    (runs / RUN).rename(old)
    (runs / ".importing/new" / RUN.removeprefix("imported/")).mkdir(parents=True)

    _, outcomes = imported()

    assert outcomes[RUN]["outcome"] == "unchanged"
    assert "keep" in json.loads((runs / RUN / "tags.json").read_text())
    assert not list((runs / ".importing").glob("*/*/*"))


def test_an_import_that_was_killed_at_any_step_is_finished_by_the_next(cli, export, imported, runs):
    write_run(export, rows_of_a_run())
    imported()
    cli("runs", "tag", "SEAT-1", "keep", "--runs", runs)
    write_file(export, "plot.png", "plot")
    write_run(export, [*rows_of_a_run(), file("plot", "plot.png")])
    write_run(export, rows_of_a_run(), run="SEAT-2")

    # Arrow may have threads of its own by then, which hold no lock of ours.
    options = ["-W", "ignore::DeprecationWarning", "-m"]
    program = [sys.executable, *options, "tests.pipeline.experiments.imports.killed"]
    process = subprocess.run(
        [*program, str(export), str(runs)],
        cwd=REPOSITORY,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )

    answer = json.loads(process.stdout)
    assert answer["steps"] > 5
    assert answer["wrong"] == []


def test_a_second_import_at_the_same_time_is_refused(cli, export, runs):
    write_run(export, rows_of_a_run())
    with store.opened(runs):
        answer = cli("runs", "import", export, "--runs", runs)

    assert answer.code == 1
    assert "another import works here" in answer.sentence


def test_a_missing_name_and_missing_times_are_unknown(export, imported, runs):
    write_run(export, [scalar("x", "int", 1)])

    imported()

    document = summary(runs)
    assert document["imported"]["name"] is None
    assert document["started"] is None
    assert document["state"] == "unknown"


@pytest.mark.parametrize(
    ("row", "state"),
    [
        (scalar("sys/failed", "bool", True), "failed"),
        (scalar("sys/state", "string", "running"), "incomplete"),
        (scalar("sys/state", "string", "Inactive"), "succeeded"),
    ],
)
def test_the_state_is_neptunes(export, imported, runs, row, state):
    write_run(export, [row])

    imported()

    assert summary(runs)["state"] == state


def truncated(parts):
    content = parts[1].read_bytes()
    parts[1].write_bytes(content[: len(content) // 2])


def unfinished(parts):
    parts[2].rename(f"{parts[2]}.tmp")


def missing(parts):
    parts[1].unlink()


def a_folder(parts):
    for part in parts:
        part.unlink()
        part.mkdir()


def a_dangling_link(parts):
    for part in parts:
        part.unlink()
        part.symlink_to("nowhere")


def without_column(parts):
    table = pq.read_table(parts[1])
    pq.write_table(table.drop_columns("step"), parts[1])


def with_a_column(parts):
    table = pq.read_table(parts[1])
    pq.write_table(table.append_column("extra", table["run_id"]), parts[1])


def with_another_type(parts):
    table = pq.read_table(parts[1])
    position = table.schema.get_field_index("int_value")
    column = table["int_value"].cast(pa.int32())
    pq.write_table(table.set_column(position, "int_value", column), parts[1])


def with_a_row_of_another(parts):
    table = pq.read_table(parts[1])
    position = table.schema.get_field_index("run_id")
    column = pa.array(["SEAT-9"] * len(table))
    pq.write_table(table.set_column(position, "run_id", column), parts[1])


def damaged(parts):
    content = bytearray(parts[1].read_bytes())
    content[4:600] = b"\xff" * 596
    parts[1].write_bytes(content)


@pytest.mark.parametrize(
    ("break_", "words"),
    [
        (truncated, "part_1.parquet cannot be read"),
        (damaged, "part_1.parquet cannot be read"),
        (unfinished, "part_2.parquet.tmp is left over"),
        (missing, "part_1.parquet is missing: allowed are all parts from 0 to 2"),
        (a_folder, "part_0.parquet is no file: allowed is a whole parquet file"),
        (a_dangling_link, "part_0.parquet is no file: allowed is a whole parquet file"),
        (without_column, "part_1.parquet has no column 'step', allowed are project_id"),
        (with_a_column, "part_1.parquet has the column 'extra', allowed are project_id"),
        (with_another_type, "part_1.parquet has int_value as 'int32', allowed is int64"),
        (with_a_row_of_another, "part_1.parquet has rows of the run_id 'SEAT-9'"),
    ],
)
def test_a_broken_run_is_refused_and_the_others_are_imported(export, imported, runs, break_, words):
    break_(write_run(export, rows_of_a_run(), parts=3))
    write_run(export, rows_of_a_run(), run="SEAT-2")

    answer, outcomes = imported()

    assert answer.code == 1
    assert [run["outcome"] for run in outcomes.values()] == ["not imported", "imported"]
    assert words in answer.err
    assert "Traceback" not in answer.err
    assert not (runs / RUN).exists()


def test_a_run_that_broke_later_stays_as_it_was_imported(export, imported, runs):
    parts = write_run(export, rows_of_a_run(), parts=3)
    imported()
    truncated(parts)

    answer, _ = imported()

    assert answer.code == 1
    assert summary(runs)["imported"]["name"] == "seats by night"


def test_damaged_tags_refuse_their_run(export, imported, runs):
    write_run(export, rows_of_a_run())
    imported()
    (runs / RUN / "tags.json").write_text("{")
    write_run(export, [scalar("x", "int", 1)])

    answer, _ = imported()

    assert answer.code == 1
    assert "tags.json: no tags" in answer.err
    assert (runs / RUN / "tags.json").read_text() == "{"


def test_a_folder_of_files_that_is_not_there_is_refused(cli, export, runs, tmp_path):
    write_run(export, rows_of_a_run())

    answer = cli("runs", "import", export, "--runs", runs, "--files", tmp_path / "fils")

    assert answer.code == 2
    assert "fils, which is not there: allowed is the folder" in answer.sentence
    assert not runs.exists()


def test_a_part_outside_of_a_project_is_told(export, imported):
    [part] = write_run(export, rows_of_a_run())
    shutil.copy(part, export / "data" / part.name)

    answer, outcomes = imported()

    assert list(outcomes) == [RUN]
    assert f"{export}/data/{part.name} is not imported: allowed are files in a" in answer.err


def empty(folder):
    pass


def with_a_text(folder):
    (folder / "notes.txt").write_text("notes")


def of_comet(folder):
    (folder / "0a1b.zip").write_bytes(b"PK")


def is_a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("notes")


def is_gone(folder):
    folder.rmdir()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (empty, "which has no exported run: allowed is a folder that neptune-exporter wrote"),
        (with_a_text, "which has no exported run: allowed is a folder that neptune-exporter"),
        (of_comet, "a zip as Comet writes it offline, which is not supported"),
        (is_a_file, "is a file: allowed is a folder"),
        (is_gone, "which is not there: allowed is a folder that neptune-exporter wrote"),
    ],
)
def test_a_folder_without_runs_is_refused(cli, export, runs, make, words):
    make(export)

    answer = cli("runs", "import", export, "--runs", runs)

    assert answer.code == 2
    assert words in answer.sentence
    assert len(answer.error_lines) == 1


def test_the_data_folder_itself_may_be_named(cli, export, runs):
    write_run(export, [file("plot", "plot.png")])
    write_file(export, "plot.png", "plot")

    answer = cli("runs", "import", export / "data", "--runs", runs)

    assert answer.code == 0
    assert (runs / RUN / "files/plot.png").read_text() == "plot"


def test_people_read_what_became_of_each_run(cli, export, runs):
    write_run(export, [scalar("x", "int", 1), {"attribute_path": "y", "attribute_type": "z"}])

    answer = cli("runs", "import", export, "--runs", runs)

    assert answer.out.splitlines() == [
        f"imported: {RUN}: 2 rows (1 int, 1 z) read; 1 rows (1 z) left out: "
        "its attribute_type is unknown",
        "runs: 1 imported; 2 rows read = 1 taken + 1 left out",
    ]


@pytest.mark.parametrize(
    "command",
    [
        ["reproduce", RUN],
        ["lineage", "back", RUN],
        ["lineage", "diff", "SEAT-1", "SEAT-1"],
        ["card", "taxi", "--run", RUN],
        ["provenance", "verify", RUN, "--public-key", "KEY"],
        ["data", "diff", RUN, RUN],
    ],
)
def test_nothing_makes_an_imported_run_again(cli, cab, export, imported, runs, tmp_path, command):
    write_run(export, rows_of_a_run())
    imported()
    private = private_key(tmp_path / "private.pem", *KINDS["Ed25519"])
    places = {"taxi": cab, "KEY": public_key(private)}
    words = [places.get(word, word) for word in command]

    answer = cli(*words, "--runs", runs)

    assert answer.code == 2
    assert f": the run {RUN} was imported: it cannot be made again" in answer.sentence


def test_schema_is_the_exporters(export):
    assert schema.SCHEMA == SCHEMA
