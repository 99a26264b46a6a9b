"""An edit re-runs exactly what depends on it: TFX's own cache key sees no more than module files."""

import json
import os
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


class Checkout:
    """A copy of the pipeline's own source beside a small model, to edit either."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for name in ("pipeline", "settings", "environments.py", "Pipfile.lock"):
            source = REPOSITORY / name
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, place / name)
        self.folder = copy_small("cab", place / "models")

    def run(self) -> set[str]:
        """The nodes that ran and were not taken from the cache."""
        command = [sys.executable, "-m", "pipeline", "run", str(self.folder), "--json"]
        done = subprocess.run(command, cwd=self.place, env=os.environ | {"PYTHONPATH": str(self.place)}, capture_output=True, text=True)
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
