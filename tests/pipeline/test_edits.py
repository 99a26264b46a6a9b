"""An edit re-runs exactly what depends on it: TFX's own cache key sees no more than module files."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from settings import REPOSITORY
from tests.conftest import copy_small, states

TRAINED_ANEW = {"Trainer", "Evaluator", "ServingCheck", "Pusher"}
TRANSFORMED_ANEW = {"Transform", *TRAINED_ANEW}
DESCRIBED_ANEW = {"StatisticsGen", "ExampleValidator", *TRANSFORMED_ANEW}
# Judging needs the verdict on the last blessed model; it runs whenever a model was blessed since, and publishes nothing.
RESOLVED = {"Hyperparameters", "LastBlessed"}


class Checkout:
    """A copy of the pipeline's own source beside a small model, to edit either."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for name in ("pipeline", "settings.py", "environments.py", "Pipfile.lock"):
            source = REPOSITORY / name
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, place / name)
        self.folder = copy_small("taxi", place)

    def run(self) -> set[str]:
        """The nodes that ran and were not taken from the cache."""
        command = [sys.executable, "-m", "pipeline", "run", str(self.folder), "--json"]
        done = subprocess.run(command, cwd=self.place, env=os.environ | {"PYTHONPATH": str(self.place)}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return {node for node, state in states(json.loads(done.stdout)).items() if state == "ran"} - RESOLVED

    def append(self, file: str, line: str) -> None:
        with (self.place / file).open("a") as edited:
            edited.write(f"\n{line}\n")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Run twice: the second run's verdict on the now last blessed model is then in the cache too."""
    made = Checkout(tmp_path_factory.mktemp("checkout"))
    first, second = made.run(), made.run()
    assert first >= DESCRIBED_ANEW and second <= {"Evaluator", "Pusher"}
    return made


def test_nothing_runs_without_an_edit(checkout):
    assert checkout.run() == set()


@pytest.mark.parametrize(
    ("file", "line", "runs"),
    [
        ("taxi/model.py", "# edited", TRAINED_ANEW),
        ("taxi/preprocessing.py", "# edited", TRANSFORMED_ANEW),
        ("taxi/schema.pbtxt", "# edited", {"ImportSchemaGen", "ExampleValidator", *TRANSFORMED_ANEW}),
        ("pipeline/components/csv_example_gen.py", "# edited", {"CsvExampleGen", *DESCRIBED_ANEW}),
        ("pipeline/components/example_validator.py", "# edited", {"ExampleValidator"}),
        ("pipeline/components/trainer.py", "# edited", TRAINED_ANEW),
        ("pipeline/components/evaluator.py", "# edited", {"Evaluator", "Pusher"}),
        ("pipeline/components/serving_check.py", "# edited", {"ServingCheck", "Pusher"}),
        ("pipeline/serving/engine.py", "# edited", {"ServingCheck", "Pusher"}),
        ("pipeline/components/pusher.py", "# edited", {"Pusher"}),
        ("pipeline/records/report.py", "# edited", set()),
    ],
)
def test_an_edit_runs_what_depends_on_it_again(checkout, file, line, runs):
    checkout.append(file, line)

    ran, settled = checkout.run(), checkout.run()

    assert ran == runs
    assert settled <= {"Evaluator", "Pusher"}


def test_an_edit_to_best_json_trains_anew(checkout):
    file = checkout.folder / "hyperparameters/best.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"batch_size": 128}))

    assert checkout.run() == TRAINED_ANEW


def test_an_edit_to_the_data_runs_everything_but_the_schema(checkout):
    rows = checkout.folder / "rows.csv"
    rows.write_text("\n".join(rows.read_text().splitlines()[:-1]) + "\n")

    assert checkout.run() == {"CsvExampleGen", *DESCRIBED_ANEW}
