"""An edit re-runs exactly its dependents.

TFX's own cache key sees no more than module files.
"""

import json

import pytest

from tests.pipeline.checkout import (
    DESCRIBED_ANEW,
    JUDGED_ANEW,
    LOOPBACK,
    TRAINED_ANEW,
    TRANSFORMED_ANEW,
    Checkout,
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Run until the verdict on the last blessed model is in the cache as well."""
    clone = Checkout(tmp_path_factory.mktemp("checkout"))
    first_nodes = clone.run()
    second_nodes = clone.run()
    assert first_nodes >= DESCRIBED_ANEW
    assert second_nodes == {"Evaluator", "Pusher"}
    return clone


# What judges no model again comes first: after a new verdict the Evaluator and the Pusher run once
# more, whatever is edited.
EDITS = {
    "pipeline/reports/report.py": set(),
    "pipeline/components/example_validator.py": {"ExampleValidator"},
    "pipeline/baseline/importance.py": {"Baseline", "Pusher"},
    "pipeline/components/serving_check.py": JUDGED_ANEW,
    "pipeline/serving/engine.py": JUDGED_ANEW,
    "pipeline/serving/engine_process.py": JUDGED_ANEW,
    "pipeline/components/pusher.py": {"Pusher"},
    "pipeline/components/evaluator.py": {"Evaluator", "Pusher"},
    "pipeline/components/extractors.py": {"Evaluator", "Pusher"},
    "pipeline/components/trainer.py": TRAINED_ANEW,
    "models/cab/model.py": TRAINED_ANEW,
    "models/cab/preprocessing.py": TRANSFORMED_ANEW,
    "models/cab/schema.pbtxt": {"ImportSchemaGen", "ExampleValidator", *TRANSFORMED_ANEW},
    "pipeline/components/csv_example_gen.py": {"CsvExampleGen", *DESCRIBED_ANEW},
    "pipeline/model/csv_file/table.py": {"CsvExampleGen", *DESCRIBED_ANEW},
}


def test_a_run_and_what_it_starts_ask_nothing_of_the_network(checkout):
    audited = (checkout.place / "audited.txt").read_text()
    log = checkout.place / "network.txt"

    lines = log.read_text().splitlines() if log.exists() else []

    assert "pipeline.serving.engine" in audited
    assert "pipeline.tracking.program" in audited
    for line in lines:
        assert LOOPBACK.match(line)


def test_no_engine_of_beam_is_downloaded(checkout):
    files = list(checkout.home.rglob("*prism*"))

    assert files == []


def test_nothing_runs_without_an_edit(checkout):
    nodes = checkout.run()

    assert nodes == set()


def test_an_edit_to_a_limit_gives_the_same_version_another_baseline(checkout):
    checkout.append("models/cab/model.toml", "limits = { fare = 0.5 }")

    nodes = checkout.run()

    [version] = (checkout.place / "runs/store/cab/published").iterdir()
    baseline = json.loads((version / "baseline.json").read_text())
    assert nodes == {"Baseline", "Pusher"}
    assert baseline["columns"]["fare"]["limit"] == 0.5


@pytest.mark.parametrize(("file", "runs"), EDITS.items(), ids=EDITS)
def test_an_edit_runs_what_depends_on_it_again(checkout, file, runs):
    checkout.append(file, "# edited")

    nodes = checkout.run()

    assert nodes == runs


def test_an_edit_to_best_json_trains_anew(checkout):
    file = checkout.folder / "hyperparameters/best.json"
    hyperparameters = json.loads(file.read_text())
    hyperparameters["batch_size"] = 128
    file.write_text(json.dumps(hyperparameters))

    nodes = checkout.run()

    assert nodes == TRAINED_ANEW


def test_an_edit_to_the_data_runs_everything_but_the_schema(checkout):
    file = checkout.folder / "rows.csv"
    *lines, _ = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines))

    nodes = checkout.run()

    assert nodes == {"CsvExampleGen", *DESCRIBED_ANEW}
