"""A store that was moved, cleared, damaged or found no room costs work, never a published model.

The tests share one copy of the trained store, on a small disk of its own, and run in order.
"""

import contextlib
import json
import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline import manifest
from pipeline.serving import saved_model
from tests.pipeline.conftest import edit, parsed, states
from tests.pipeline.disk import mounted


@dataclass
class Moved:
    """A copy of the trained store at another place."""

    runs: Path

    @property
    def store(self):
        return self.runs / "store/cab"

    @property
    def newest_version(self):
        return saved_model.newest(self.store / "published")

    @property
    def published_sha256(self):
        return manifest.of(self.store / "published").digest

    def newest(self, key):
        """The newest folder of an output, as in `Trainer/model`."""
        folders = [path for path in (self.store / key).iterdir() if path.is_dir()]
        return max(folders, key=lambda path: int(path.name))

    def artifact_addresses(self):
        database = sqlite3.connect(self.store / "metadata.db")
        with contextlib.closing(database):
            return [uri for (uri,) in database.execute("SELECT uri FROM Artifact")]


@pytest.fixture(scope="module")
def moved(trained, tmp_path_factory):
    disk_folder = tmp_path_factory.mktemp("moved") / "disk"
    with mounted(disk_folder, "size=64m") as disk:
        runs = shutil.copytree(trained.runs, disk / "runs")
        yield Moved(runs)


@pytest.fixture
def run(moved, trained, cli):
    """Run the model's folder, or a changed one, in the moved store."""

    def call(folder=trained.folder):
        return cli("run", folder, "--runs", moved.runs, "--json")

    return call


@pytest.fixture
def predict(moved, trained, cli, tmp_path):
    """Have five rows answered from the moved store."""
    lines = (trained.folder / "rows.csv").read_text().splitlines(keepends=True)
    source = moved.runs.parent / "in.csv"
    source.write_text("".join(lines[:6]))
    paths = ("--runs", moved.runs, "--input", source)

    def call():
        return cli("predict", trained.folder, *paths, "--output", tmp_path / "out.csv")

    return call


def fill(disk, free):
    """Leave this many bytes of the disk."""
    status = os.statvfs(disk)
    taken = status.f_bavail * status.f_frsize - free
    file = disk / "everything"
    with file.open("wb") as content:
        os.posix_fallocate(content.fileno(), 0, taken)
    return file


@pytest.mark.parametrize("free", [30_000, 700_000])
def test_a_full_disk_ends_the_run_in_a_sentence_and_leaves_what_is_published(free, moved, run):
    published_sha256 = moved.published_sha256
    everything = fill(moved.runs.parent, free)

    result = run()

    everything.unlink()
    text = result.out + result.err
    assert result.code == 1
    assert "Traceback" not in text
    assert "no room" in text or "No space left" in text or "is full" in text
    assert moved.published_sha256 == published_sha256
    assert saved_model.check(moved.newest_version)


def test_a_moved_store_is_found_and_the_place_it_came_from_left_alone(moved, trained, run):
    original_files = {path for path in trained.runs.rglob("*") if path.is_file()}

    result = run()

    summary = parsed(result)
    files = {path for path in trained.runs.rglob("*") if path.is_file()}
    addresses = moved.artifact_addresses()
    tracked_files = list(moved.runs.glob("mlflow/*/artifacts/summary.json"))
    assert result.code == 0, result.err
    assert summary["baseline"] is not None
    assert [address for address in addresses if not address.startswith(f"{moved.store}/")] == []
    assert len(tracked_files) >= 2
    assert files == original_files


def test_a_folder_that_vanishes_in_a_run_costs_that_run(moved, trained, run, tmp_path):
    published_sha256 = moved.published_sha256
    folder = shutil.copytree(trained.folder, tmp_path / "cab")
    # The same rows by their path, so that the nodes before the Trainer are in the cache.
    edit(folder / "model.toml", r"^source = .*$", f'source = "{trained.folder}/rows.csv"')
    vanishing = f'import shutil\n\nshutil.rmtree("{moved.store}/Trainer", ignore_errors=True)'
    edit(folder / "model.py", r"^def run_fn", f"{vanishing}\n\n\n\\g<0>")

    result = run(folder)

    assert result.code == 1
    assert "Traceback" not in result.err
    assert moved.published_sha256 == published_sha256


def test_a_cleared_model_and_a_missing_transform_are_made_again(moved, run):
    """The model's folder is gone with the run before."""
    transform = moved.newest("Transform/transform_graph")
    shutil.rmtree(transform / "transform_fn")

    result = run()

    state_by_node = states(parsed(result))
    assert result.code == 0, result.err
    assert state_by_node["StatisticsGen"] == "cached"
    assert state_by_node["Transform"] == "ran"
    assert state_by_node["Trainer"] == "ran"
    assert f"{transform} is not used any more: transform_fn/" in result.err
    assert "is missing" in result.err


def test_a_model_with_a_flipped_byte_is_not_asked(moved, predict):
    [file] = moved.newest("Trainer/model").glob("Format-Serving/saved_model.pb")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    result = predict()

    assert result.code == 1
    assert "saved_model.pb has another content than it was made with" in result.sentence
    assert "run `python -m pipeline run cab`" in result.sentence


def test_a_damaged_model_is_trained_and_a_damaged_version_published_again(moved, run, predict):
    version = moved.newest_version
    (version / "saved_model.pb").unlink()

    result = run()
    prediction = predict()

    summary = parsed(result)
    state_by_node = states(summary)
    assert state_by_node["Transform"] == "cached"
    assert state_by_node["Trainer"] == "ran"
    assert summary["decision"]["published"] == str(moved.newest_version)
    assert moved.newest_version != version
    assert saved_model.check(moved.newest_version)
    assert prediction.code == 0


def test_a_missing_split_is_made_again(moved, predict):
    examples = moved.newest("CsvExampleGen/examples")
    [split, *_] = sorted(examples.glob("Split-*"))
    shutil.rmtree(split)

    result = predict()

    assert result.code == 0
    assert f"{examples} is not used any more: {split.name}/" in result.err


@pytest.mark.parametrize("size", [0, 100, 4096, 100_000])
def test_a_truncated_database_is_told_with_the_way_out(size, moved, run):
    database = moved.store / "metadata.db"
    content = database.read_bytes()
    os.truncate(database, size)

    result = run()

    database.write_bytes(content)
    assert result.code == 1
    assert f"{database} is damaged (" in result.sentence
    assert "remove it and run again, which makes all anew" in result.sentence


def test_a_file_where_a_node_writes_is_told_before_any_node_runs(moved, run):
    file = moved.store / "published"
    aside = file.rename(moved.store / "aside")
    file.touch()

    result = run()

    file.unlink()
    aside.rename(file)
    assert result.code == 1
    assert "published is a file: allowed is a folder" in result.sentence
    assert "CsvExampleGen" not in result.err


def test_a_summary_that_is_none_is_left_out_of_the_list(moved, cli):
    first_file, *others = moved.runs.glob("*/summary.json")
    first_file.write_text('{"run": ')

    result = cli("runs", "--runs", moved.runs, "--json")

    assert result.code == 0
    whole_runs = {row["run"] for row in json.loads(result.out) if row["state"] != "incomplete"}
    assert whole_runs == {file.parent.name for file in others}
    assert f"{first_file} is left out" in result.sentence
