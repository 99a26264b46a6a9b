"""Two runs that are here are compared by what they left, whatever became of their files."""

import json
import shutil

import pytest

from pipeline.lineage.local_store import LocalStore, folders_of
from tests.pipeline.lineage.local_runs import LocalRuns

FIRST, SECOND = "20260101-cab-aaaaaa", "20260102-cab-bbbbbb"
SHIP = "20260103-ship-cccccc"
FIGURES = {"metrics": {"auc": 0.8125}, "slices": {}, "gate": []}
GRAPHS = {"Transform": "transform_graph/transform_fn", "Trainer": "model/Format-Serving"}


def add(local_runs, run, **facts):
    """Add a run with figures, folders and graphs of no operation."""
    local_runs.run(run, commit=f"refs/esteira/runs/{run}")
    file = local_runs.root / run / "summary.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | FIGURES | facts))
    folders = folders_of(LocalStore(local_runs.store), run)
    for outputs in folders.values():
        for folder in outputs.values():
            folder.mkdir(parents=True)
    for node, place in GRAPHS.items():
        key, graph = place.split("/")
        graph_folder = folders[node][key] / graph
        graph_folder.mkdir()
        (graph_folder / "saved_model.pb").touch()
    return folders


@pytest.fixture
def runs(tmp_path):
    """Two runs of one model, whose files no commit holds any more."""
    local_runs = LocalRuns(tmp_path / "runs")
    add(local_runs, FIRST)
    return local_runs


@pytest.fixture
def second(runs):
    return add(runs, SECOND)


@pytest.fixture
def compare(runs, cli):
    return lambda other, *options: cli(
        "reproduce", FIRST, "--against", other, "--runs", runs.root, *options
    )


def test_runs_whose_refs_are_gone_are_compared_and_both_named(compare, second):
    result = compare(SECOND)

    assert result.code == 0, result.err
    assert result.out.endswith(f"{FIRST} compared with {SECOND}: bit-equal\n")


def test_machines_read_the_other_run_and_that_nothing_was_made(compare, second):
    answer = json.loads(compare(SECOND, "--json").out)

    assert answer["run"] == FIRST
    assert answer["against"] == SECOND
    assert answer["code"] is None


def test_another_figure_is_a_difference(compare, runs):
    add(runs, SECOND, metrics={"auc": 0.75})

    result = compare(SECOND)

    assert result.code == 3
    assert f"compared with {SECOND}: different, first in evaluation" in result.out


def test_a_run_of_another_model_is_refused(compare, runs):
    add(LocalRuns(runs.root, model="ship"), SHIP)

    result = compare(SHIP)

    assert result.code == 2
    assert f"--against is {SHIP}, a run of ship: allowed is one of cab" in result.sentence


def test_an_empty_name_is_no_run_and_makes_nothing_again(compare):
    result = compare("")

    assert result.code == 2
    assert "there is no run '' in" in result.sentence


@pytest.fixture
def remove(runs, second):
    """Take a field out of the second run's summary; return the file."""

    def _remove(field: str):
        file = runs.root / SECOND / "summary.json"
        summary = json.loads(file.read_text())
        del summary[field]
        file.write_text(json.dumps(summary))
        return file

    return _remove


@pytest.mark.parametrize("field", ["run", "model", "records"])
def test_a_summary_without_what_every_run_has_is_refused(compare, remove, field):
    file = remove(field)

    result = compare(SECOND)

    assert result.code == 1
    assert f"{file}: no summary, it has no {field}" in result.sentence


@pytest.mark.parametrize("field", ["metrics", "slices", "gate"])
def test_a_summary_without_figures_is_told_to_be_damaged(compare, remove, field):
    remove(field)

    result = compare(SECOND)

    assert result.code == 1
    assert f"{SECOND} is damaged (KeyError('{field}'))" in result.sentence


def test_a_damaged_store_of_both_is_told_once(compare, runs, second):
    runs.file.write_text("words")

    result = compare(SECOND)

    assert result.code == 1
    assert result.sentence.count("is damaged") == 1


def test_the_run_itself_is_refused(compare):
    result = compare(FIRST)

    assert result.code == 2
    assert f"--against is {FIRST}, the same run: allowed is another one" in result.sentence


def test_what_is_gone_of_either_run_is_named(compare, runs, second):
    model = second["Trainer"]["model"]
    schema = folders_of(LocalStore(runs.store), FIRST)["ImportSchemaGen"]["schema"]
    shutil.rmtree(model)
    shutil.rmtree(schema)

    result = compare(SECOND)

    assert result.code == 1
    assert f"{FIRST} cannot be compared with {SECOND}: " in result.sentence
    assert f"the Trainer's {model} is gone" in result.sentence
    assert f"the ImportSchemaGen's {schema} is gone" in result.sentence


@pytest.mark.parametrize("content", [None, b"\xff"], ids=["gone", "damaged"])
def test_a_file_of_an_output_that_is_gone_or_damaged_is_told(compare, second, content):
    model = second["Trainer"]["model"]
    file = model / "Format-Serving/saved_model.pb"
    file.unlink()
    if content:
        file.write_bytes(content)

    result = compare(SECOND)

    assert result.code == 1
    assert f"{model} cannot be compared, a file of it is gone or damaged: " in result.sentence
