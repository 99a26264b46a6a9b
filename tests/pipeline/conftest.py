"""The ground of most tests.

A copy of the cab folder, the command line called in this process, and one trained model.
"""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.model.folder import ModelFolder
from tests.team import MODELS

ROWS = 1500  # of the model `cab`
IMAGE = "us-central1-docker.pkg.dev/p/r/pipeline@sha256:" + "0123456789abcdef" * 4
WORKER_IMAGE = IMAGE.replace("pipeline", "worker")
IMAGES = (
    *("--image", IMAGE, "--serving-image", IMAGE.replace("pipeline", "serving")),
    *("--worker-image", WORKER_IMAGE),
)
NODES = [
    "CsvExampleGen",
    "StatisticsGen",
    "ImportSchemaGen",
    "ExampleValidator",
    "Transform",
    "Hyperparameters",
    "Trainer",
    "LastBlessed",
    "ServingCheck",
    "Evaluator",
    "Baseline",
    "Pusher",
]
# The cab's answer, and one that clears its bar and cannot be served.
SCORE = r'return \{"score": (.*)\}'
NULL_WITHOUT_A_FARE = (
    r'fare = tf.sparse.to_dense(tf.io.parse_example(examples, served)["fare"], -1.0)[:, :1]'
    "\n        "
    r'return {"score": tf.where(tf.reduce_min(tf.pad(fare, [[0, 0], [0, 1]], '
    r'constant_values=9e9), 1) >= 9e9, float("nan"), \1)}'
)


@dataclass
class CommandResult:
    code: int
    out: str
    err: str

    @property
    def error_lines(self) -> list[str]:
        return self.err.strip().splitlines()

    @property
    def sentence(self) -> str:
        """The last line on standard error: a failing verb's complaint."""
        return self.error_lines[-1]


def copy_small(name: str, to: Path) -> Path:
    """A copy in `to` of the tests' own model `name`."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(MODELS / name, to / name, ignore=ignored))


def edit(file: Path, pattern: str, replacement: str, first: bool = False) -> None:
    """Replace the one match of `pattern`.

    A pattern that finds nothing, or more than it should, is a broken test.
    """
    maximum = 1 if first else 0  # 0 is without a limit
    original = file.read_text(encoding="utf-8")
    text, count = re.subn(pattern, replacement, original, count=maximum, flags=re.MULTILINE)
    assert count == 1, f"{pattern} found {count} times in {file}"
    file.write_text(text, encoding="utf-8")


@pytest.fixture
def cab(tmp_path: Path) -> Path:
    """A cab folder of the test's own."""
    return copy_small("cab", tmp_path)


@pytest.fixture
def cli(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., CommandResult]:
    """Call `python -m pipeline` in this process."""
    monkeypatch.setenv("ESTEIRA_ENVIRONMENT", "pipeline")

    def call(*arguments: object) -> CommandResult:
        capfd.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:  # argparse
            code = int(end.code or 0)
        return CommandResult(code, *capfd.readouterr())

    return call


@dataclass
class Trained:
    """A store with one published model, made from the cab folder."""

    folder: Path
    runs: Path
    summary: dict[str, Any]

    @property
    def published(self) -> Path:
        return self.runs / "store/cab/published"

    @property
    def model(self) -> Path:
        """A published version."""
        return next(self.published.iterdir())

    @property
    def run(self) -> Path:
        """The folder of the published model's run."""
        return self.runs / self.summary["run"]

    @property
    def published_sha256(self) -> str:
        """One hash of all published versions."""
        from pipeline.components.pusher import tree_sha256

        return tree_sha256(self.published)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trained once a session; tests add runs to its store and never take from it."""
    from pipeline.local import runs
    from pipeline.tracking import sender

    place = tmp_path_factory.mktemp("trained")
    folder = copy_small("cab", place)
    model = ModelFolder.load(str(folder))
    runs_folder = place / "runs"
    with sender.started(runs_folder) as tracker:
        summary = runs.run(model, runs_folder, tracker)
    decision = summary["decision"]
    assert decision["published"], decision
    return Trained(folder, runs_folder, summary)


@dataclass
class Rehearsed:
    """A small model's local spec, and its rehearsal's result."""

    place: Path
    spec: Path
    result: dict[str, Any]

    @property
    def job(self) -> dict[str, Any]:
        return json.loads(self.spec.read_text())

    @property
    def root(self) -> Path:
        return self.place / "runs/rehearsal/cab"

    @property
    def logs(self) -> list[Path]:
        """Each container's log."""
        return list(self.root.glob("rehearsals/*/*/log.txt"))

    def logs_with(self, words: str) -> list[str]:
        return [str(log) for log in self.logs if words in log.read_text()]


@pytest.fixture(scope="session")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    """Rehearsed once a session; tests add rehearsals to its root and never take from it."""
    from pipeline.local.rehearsal import rehearse_file

    place = tmp_path_factory.mktemp("rehearsed")
    copy_small("cab", place)
    spec = compiled(place)
    result = rehearse_file(spec)
    return Rehearsed(place, spec, result)


def compiled(place: Path) -> Path:
    """The file of the local job for the model in `place`."""
    from pipeline.cli.compile import compile_models

    model = str(place / "cab")
    [spec] = compile_models(
        [model],
        environment="local",
        image=None,
        serving_image=None,
        end=None,
        runs=place / "runs",
        output=place,
    )
    return spec


def states(summary: dict[str, Any]) -> dict[str, str]:
    return {node["id"]: node["state"] for node in summary["nodes"]}


def nodes_that(summary: dict[str, Any], state: str) -> set[str]:
    """The run's nodes with the end `state`."""
    return {node for node, end in states(summary).items() if end == state}


def parsed(result: CommandResult) -> Any:
    return json.loads(result.out)
