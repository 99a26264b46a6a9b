"""An edit re-runs exactly its dependents.

TFX's own cache key sees no more than module files.
"""

import json

import pytest

from tests.pipeline.checkout import (
    DESCRIBED_ANEW,
    LOOPBACK,
    TRAINED_ANEW,
    TRANSFORMED_ANEW,
    Checkout,
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Run until the verdict on the last blessed model is in the cache as well."""
    clone = Checkout(tmp_path_factory.mktemp("checkout"))
    assert clone.run() >= DESCRIBED_ANEW
    assert clone.run() == {"Evaluator", "Pusher"}
    return clone


# What judges no model again comes first: after a new verdict the Evaluator and the Pusher run once
# more, whatever is edited.
EDITS = {
    "pipeline/reports/report.py": set(),
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
    log = checkout.place / "network.txt"

    lines = log.read_text().splitlines() if log.exists() else []

    assert "pipeline.serving.engine" in audited
    assert "pipeline.reports.tracking" in audited
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
