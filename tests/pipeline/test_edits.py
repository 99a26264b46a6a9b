"""An edit re-runs exactly what depends on it: TFX's own cache key sees no more than module files."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from settings import REPOSITORY
from tests.pipeline.conftest import copy_small, states

TRAINED_ANEW = {"Trainer", "Evaluator", "ServingCheck", "Pusher"}
TRANSFORMED_ANEW = {"Transform", *TRAINED_ANEW}
DESCRIBED_ANEW = {"StatisticsGen", "ExampleValidator", *TRANSFORMED_ANEW}
UNCACHED = {"Hyperparameters", "LastBlessed"}  # an Importer and a Resolver look again each time


# Each Python below PYTHONPATH, and each that it starts, writes down what it asks of the network.
AUDIT = """
import pathlib, sys

ASKED = ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto")
LOG = pathlib.Path(__file__).with_name("network.txt")

def note(event, arguments):
    if event in ASKED:
        with LOG.open("a") as log:
            log.write(f"{event} {arguments[0] if event.startswith('socket.get') else arguments[1]}\\n")

sys.addaudithook(note)
LOG.with_name("audited.txt").open("a").write(" ".join(sys.orig_argv) + "\\n")
"""
LOOPBACK = re.compile(r"\S+ (\('(127\.|::1|localhost)|127\.|::1$|localhost$|/|\x00)")


class Checkout:
    """A copy of the pipeline's own source beside a small model, to edit either."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for name in ("pipeline", "settings", "environments.py", "Pipfile.lock"):
            source = REPOSITORY / name
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, place / name)
        self.folder = copy_small("cab", place / "models")
        (place / "sitecustomize.py").write_text(AUDIT)
        (place / "home").mkdir()

    def run(self) -> set[str]:
        """The nodes that ran and were not taken from the cache."""
        command = [sys.executable, "-m", "pipeline", "run", str(self.folder), "--json"]
        variables = {"PYTHONPATH": str(self.place), "HOME": str(self.place / "home")}
        done = subprocess.run(command, cwd=self.place, env=os.environ | variables, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return {node for node, state in states(json.loads(done.stdout)).items() if state == "ran"} - UNCACHED

    def append(self, file: str, line: str) -> None:
        with (self.place / file).open("a") as edited:
            edited.write(f"\n{line}\n")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Run until the verdict on the last blessed model is in the cache as well."""
    made = Checkout(tmp_path_factory.mktemp("checkout"))
    assert made.run() >= DESCRIBED_ANEW
    assert made.run() == {"Evaluator", "Pusher"}
    return made


# What judges no model anew comes first: after a new verdict the Evaluator and the Pusher run once more, whatever is edited.
EDITS = {
    "pipeline/records/report.py": set(),
    "pipeline/components/example_validator.py": {"ExampleValidator"},
    "pipeline/components/serving_check.py": {"ServingCheck", "Pusher"},
    "pipeline/serving/engine.py": {"ServingCheck", "Pusher"},
    "pipeline/serving/engine_process.py": {"ServingCheck", "Pusher"},
    "pipeline/components/pusher.py": {"Pusher"},
    "pipeline/components/evaluator.py": {"Evaluator", "Pusher"},
    "pipeline/components/extractors.py": {"Evaluator", "Pusher"},
    "pipeline/components/trainer.py": TRAINED_ANEW,
    "models/cab/model.py": TRAINED_ANEW,
    "models/cab/preprocessing.py": TRANSFORMED_ANEW,
    "models/cab/schema.pbtxt": {"ImportSchemaGen", "ExampleValidator", *TRANSFORMED_ANEW},
    "pipeline/components/csv_example_gen.py": {"CsvExampleGen", *DESCRIBED_ANEW},
}


def test_a_run_and_what_it_starts_ask_nothing_of_the_network(checkout):
    audited = (checkout.place / "audited.txt").read_text()
    asked = checkout.place / "network.txt"

    lines = asked.read_text().splitlines() if asked.exists() else []

    assert "pipeline.serving.engine" in audited
    assert "pipeline.records.tracking" in audited
    assert [line for line in lines if not LOOPBACK.match(line)] == []


def test_no_engine_of_beam_is_downloaded(checkout):
    assert list((checkout.place / "home").rglob("*prism*")) == []


def test_nothing_runs_without_an_edit(checkout):
    assert checkout.run() == set()


@pytest.mark.parametrize(("file", "runs"), EDITS.items(), ids=EDITS)
def test_an_edit_runs_what_depends_on_it_again(checkout, file, runs):
    checkout.append(file, "# edited")

    assert checkout.run() == runs


def test_an_edit_to_best_json_trains_anew(checkout):
    file = checkout.folder / "hyperparameters/best.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"batch_size": 128}))

    assert checkout.run() == TRAINED_ANEW


def test_an_edit_to_the_data_runs_everything_but_the_schema(checkout):
    rows = checkout.folder / "rows.csv"
    rows.write_text("\n".join(rows.read_text().splitlines()[:-1]) + "\n")

    assert checkout.run() == {"CsvExampleGen", *DESCRIBED_ANEW}
