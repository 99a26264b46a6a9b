"""A model is made again from what git, the venv and the data hold, and leaves nothing behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from settings import REPOSITORY
from tests.pipeline.conftest import copy_small, edit
from tests.pipeline.delivery.conftest import ISOLATED, Repository

PATIENCE_SECONDS = 120
FOLDERS = ("build", "pipeline", "settings")
FILES = (".gitignore", "environments.py", "Pipfile", "Pipfile.lock")


class Project:
    """A checkout with one model, whose commands run as a person's do."""

    def __init__(self, place: Path) -> None:
        self.repository = Repository(place)
        self.place = place
        ignored = shutil.ignore_patterns("__pycache__")
        for folder in FOLDERS:
            shutil.copytree(REPOSITORY / folder, place / folder, ignore=ignored)
        for file in FILES:
            shutil.copyfile(REPOSITORY / file, place / file)
        copy_small("cab", place / "models")
        self.repository.commit({})

    def start(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        environment = {**os.environ, **ISOLATED, "PYTHONPATH": str(self.place), **variables}
        command = [sys.executable, "-m", "pipeline", *arguments, "--json"]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.place, env=environment, stdout=pipe, stderr=pipe, text=True
        )

    def call(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments, **variables)
        out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def run(self, **variables: str) -> dict:
        process = self.call("run", "cab", **variables)
        assert process.returncode in (0, 3), process.stderr
        return json.loads(process.stdout)

    def state(self) -> dict:
        """All that a reproduction must leave as it is."""
        runs = self.place / "runs"
        files = {path for path in runs.rglob("*") if path.is_file()}
        refs = self.repository.git("for-each-ref")
        status = self.repository.git("status", "--porcelain")
        worktrees = self.repository.git("worktree", "list")
        database = (runs / "store/cab/metadata.db").read_bytes()
        venvs = {path.name for path in Path(sys.prefix).parent.iterdir()}
        return {
            "files": files,
            "refs": refs,
            "status": status,
            "worktrees": worktrees,
            "database": database,
            "venvs": venvs,
        }


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Two runs of files that no commit holds; the second takes the model from the cache."""
    project = Project(tmp_path_factory.mktemp("reproduced") / "project")
    edit(project.place / "models/cab/model.py", r"^SEED = \d+$", "SEED = 5")
    project.first = project.run()
    project.cached = project.run()
    return project


def workspaces(folder):
    """What was not removed; TensorFlow's own temporary files are not ours."""
    return list(folder.glob("reproduction-*"))


def verdicts(process):
    answer = json.loads(process.stdout)
    return {step["name"]: step["verdict"] for step in answer["steps"]}


def test_a_cached_model_of_uncommitted_files_is_made_again_bit_for_bit(project, tmp_path):
    before = project.state()

    process = project.call("reproduce", project.cached["run"], TMPDIR=str(tmp_path))

    assert process.returncode == 0, process.stdout + process.stderr
    assert set(verdicts(process).values()) == {"bit-equal"}
    answer = json.loads(process.stdout)
    assert answer["code"] == f"refs/esteira/runs/{project.first['run']}"
    assert "Trainer ..." in process.stderr
    assert project.state() == before
    assert workspaces(tmp_path) == []


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_nothing_of_a_stopped_one_stays(project, tmp_path, sign):
    before = project.state()
    process = project.start("reproduce", "cab", TMPDIR=str(tmp_path))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not list(tmp_path.glob("reproduction-*/runs/store")):
        assert time.monotonic() < deadline, "it has not begun"
        time.sleep(0.1)

    process.send_signal(sign)
    process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode != 0
    assert project.state() == before
    assert workspaces(tmp_path) == []


def test_the_compiled_job_makes_the_same_model(project, tmp_path):
    process = project.call("reproduce", "cab", "--rehearse", TMPDIR=str(tmp_path))

    assert process.returncode == 0, process.stdout + process.stderr
    assert verdicts(process)["training"] == "bit-equal"
    assert workspaces(tmp_path) == []


@pytest.fixture
def against(project):
    """Compare the first run with one of changed files, which are put back."""

    def compare(place, pattern, replacement, **variables):
        file = project.place / place
        original = file.read_bytes()
        edit(file, pattern, replacement, first=True)
        try:
            run = project.run(**variables)
        finally:
            file.write_bytes(original)
        return project.call("reproduce", project.first["run"], "--against", run["run"])

    return compare


def test_a_changed_row_and_another_flag_are_named(against):
    row, changed_row = r"^1400001300,16,4\.66,", "1400001300,16,4.67,"

    process = against("models/cab/rows.csv", row, changed_row, TF_ENABLE_ONEDNN_OPTS="0")

    answer = json.loads(process.stdout)
    steps = {step["name"]: step for step in answer["steps"]}
    assert process.returncode == 3
    assert answer["first_difference"] == "rows"
    assert "fare was [4.6" in steps["rows"]["difference"]
    assert steps["schema"]["verdict"] == "bit-equal"
    [note] = answer["notes"]
    assert note == "another environment: flags was {}, is {'TF_ENABLE_ONEDNN_OPTS': '0'}"


def test_a_changed_line_of_the_model_is_named(against):
    process = against("models/cab/model.py", r"^SEED = \d+$", "SEED = 6")

    answer = json.loads(process.stdout)
    assert process.returncode == 3
    assert answer["first_difference"] == "training"
    assert verdicts(process)["transformed rows"] == "bit-equal"
    [step] = [step for step in answer["steps"] if step["name"] == "training"]
    assert "variables, first " in step["difference"]


def test_a_lineage_s_difference_names_line_and_figures(project):
    edit(project.place / "models/cab/model.py", r"^SEED = \d+$", "SEED = 7")
    run = project.run()
    edit(project.place / "models/cab/model.py", r"^SEED = \d+$", "SEED = 5")

    process = project.call("lineage", "diff", project.first["run"], run["run"])

    answer = json.loads(process.stdout)
    assert process.returncode == 0, process.stderr
    [diff] = answer["code"]["diffs"]
    assert answer["code"]["files"] == [["models/cab/model.py"]]
    assert "+SEED = 7" in diff
    assert "auc" in answer["metrics"]["all"]
    assert answer["data"] == {}


@pytest.fixture
def gone(project):
    """Take the kept files' ref, the rows that were read and the trained model away for a test."""
    ref = f"refs/esteira/runs/{project.first['run']}"
    commit = project.repository.git("rev-parse", ref)
    data = project.place / "models/cab/rows.csv"
    content = data.read_bytes()
    models = project.place / "runs/store/cab/Trainer/model"
    aside = models.with_name("aside")
    project.repository.git("update-ref", "-d", ref)
    data.write_bytes(content + b"\n")
    models.rename(aside)
    yield ref, data, models
    aside.rename(models)
    data.write_bytes(content)
    project.repository.git("update-ref", ref, commit)


def test_all_that_is_gone_is_named_at_once(project, gone):
    ref, data, models = gone

    process = project.call("reproduce", project.cached["run"])

    [sentence] = process.stderr.strip().splitlines()
    assert process.returncode == 1
    assert f"{ref} is not in {project.place}" in sentence
    assert f"the data {data} has changed" in sentence
    assert f"the Trainer's {models}/" in sentence


def test_an_unknown_run_is_refused_with_the_nearest(project):
    process = project.call("reproduce", "20200101-000000-cab-000000")

    assert process.returncode == 2
    assert "there is no run '20200101-000000-cab-000000'" in process.stderr
    assert "the nearest are 20" in process.stderr


def test_a_beginning_of_several_runs_names_them_all(project):
    process = project.call("reproduce", "20")

    assert process.returncode == 2
    assert "is ambiguous" in process.stderr
    assert project.first["run"] in process.stderr
    assert project.cached["run"] in process.stderr
