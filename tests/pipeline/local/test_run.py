"""A run from folder to published model, its records, and a second run without work."""

import fcntl
import json
import shutil

import pytest

from pipeline.components.pusher import tree_sha256
from pipeline.job import startup
from pipeline.reports import tracking
from pipeline.reports.lineage import code
from pipeline.serving import engine_process
from tests.pipeline.conftest import NODES, edit, parsed, states


def test_a_run_publishes_a_model_that_travels_whole(trained):
    version = next(trained.published.iterdir())

    assets = {file.name for file in (version / "assets.extra").iterdir()}
    assert trained.summary["decision"] == {
        "blessed": True,
        "published": str(version),
        "reason": "published: every bound holds and the model can be served",
    }
    assert assets == {"schema.pbtxt", "sample.json", "serving.json"}


def test_the_summary_tells_nodes_metrics_gate_and_the_six_records(trained):
    summary = read(trained.runs / trained.summary["run"] / "summary.json")
    best = read(trained.folder / "hyperparameters/best.json")

    state_by_node = states(summary)
    assert sorted(state_by_node) == sorted(NODES)
    assert set(state_by_node.values()) == {"ran"}
    seconds = [node["seconds"] for node in summary["nodes"]]
    longest_seconds = max(seconds)
    assert 1 < longest_seconds <= summary["seconds"] + 0.1
    metrics, records = summary["metrics"], summary["records"]
    assert 0.5 < metrics["auc"] < 1
    kinds = {type(value) for value in metrics.values()}
    assert kinds == {float}
    first_check, *_ = summary["gate"]
    assert first_check == {
        "metric": "auc",
        "slice": "all",
        "value": metrics["auc"],
        "lower_bound": 0.51,
        "holds": True,
    }
    assert summary["baseline"] is None
    assert set(records) == {
        "code",
        "environment",
        "data",
        "hyperparameters",
        "metrics",
        "model_type",
    }
    assert records["data"]["rows"] == 1500
    assert records["hyperparameters"] == best
    assert records["model_type"]["parameters"] > 1000


def read(file):
    text = file.read_text()
    return json.loads(text)


@pytest.mark.parametrize("path", ["", "with a git that finds no checkout"])
def test_where_no_commit_is_known_the_record_says_so(path, tmp_path, monkeypatch):
    if path:
        git = tmp_path / "git"
        git.write_text("#!/bin/sh\nexit 128\n")
        git.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    record = code()

    assert record == {"commit": "unknown", "changed_files": []}


def test_the_report_is_one_page_that_needs_nothing_else(trained):
    file = trained.runs / trained.summary["run"] / "report.html"

    page = file.read_text()

    images = page.count("data:image/svg+xml;base64,")
    assert images == 4  # ROC, calibration, loss, auc
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
    for node in NODES:
        assert f">{node}</text>" in page


def test_the_six_records_go_to_mlflow(trained):
    from mlflow import MlflowClient

    summary = trained.summary
    auc = summary["metrics"]["auc"]
    batch_size = summary["records"]["hyperparameters"]["batch_size"]
    client = MlflowClient(f"sqlite:///{trained.runs}/mlflow.db")
    experiment = client.get_experiment_by_name("cab")

    name_filter = f"attributes.run_name = '{summary['run']}'"
    [run] = client.search_runs([experiment.experiment_id], name_filter)

    artifacts = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert run.data.metrics["auc"] == pytest.approx(auc)
    assert run.data.params["batch_size"] == str(batch_size)
    assert "code.commit" in run.data.tags
    assert "environment.tfx" in run.data.tags
    assert "data.sha256" in run.data.tags
    assert "model_type.kind" in run.data.tags
    assert "decision.blessed" in run.data.tags
    assert artifacts == {"summary.json", "report.html"}


def test_a_tracker_that_is_down_costs_a_warning(trained, cli):
    database = trained.runs / "mlflow.db"
    aside = trained.runs / "aside.db"
    database.rename(aside)
    database.mkdir()

    result = cli("run", trained.folder, "--runs", trained.runs)

    database.rmdir()
    aside.rename(database)
    assert result.code == 0
    assert "the tracker did not take this run" in result.err


def test_a_second_run_repeats_nothing_and_publishes_nothing(trained, cli):
    first_tree = tree_sha256(trained.published)

    result = cli("run", trained.folder, "--runs", trained.runs, "--json")

    summary = parsed(result)
    state_by_node = states(summary)
    decision = summary["decision"]
    second_tree = tree_sha256(trained.published)
    for node in ("CsvExampleGen", "StatisticsGen", "Transform", "Trainer"):
        assert state_by_node[node] == "cached"
    assert decision["blessed"]
    assert "published already" in decision["reason"]
    assert summary["metrics"] == trained.summary["metrics"]
    assert summary["baseline"]["same_model"]
    assert second_tree == first_tree


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of the trained model's folder, to edit."""
    return shutil.copytree(trained.folder, tmp_path / "cab")


def declare(folder, name, value):
    """Set a value of model.toml."""
    edit(folder / "model.toml", rf"^{name} = .*$", f"{name} = {value}")


def test_a_raised_bar_judges_the_last_blessed_model_anew(trained, folder, cli):
    declare(folder, "lower_bound", "0.999")
    declare(folder, "least_change", "-0.0001")

    result = cli("run", folder, "--runs", trained.runs, "--json")

    reason = parsed(result)["decision"]["reason"]
    assert result.code == 3
    assert "auc (all) is" in reason
    assert "below 0.999" in reason


def test_a_run_starts_its_tracker_and_the_one_engine_of_its_check_before_it_imports(
    trained, folder, cli, monkeypatch
):
    start_engine = engine_process._started
    start_tracker = tracking.started
    declare(folder, "lower_bound", "0.999")
    declare(folder, "least_change", "-0.0001")
    edit(folder / "model.py", r"^def run_fn", "# edited\n\\g<0>")
    events, engines = [], []

    def started_tracker(runs):
        events.append("tracker")
        return start_tracker(runs)

    def started_engine():
        events.append("engine")
        engine = start_engine()
        engines.append(engine)
        return engine

    monkeypatch.setattr(tracking, "started", started_tracker)
    monkeypatch.setattr(engine_process, "_started", started_engine)
    monkeypatch.setattr(startup, "load", lambda: events.append("imports"))

    result = cli("run", folder, "--runs", trained.runs, "--json")

    summary = parsed(result)
    codes = [engine.returncode for engine in engines]
    assert states(summary)["ServingCheck"] == "ran"
    assert events == ["tracker", "engine", "imports"]
    assert codes == [0]


def test_two_at_once_are_told_of_each_other(trained, cli):
    with (trained.runs / "store/cab/.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        result = cli("run", trained.folder, "--runs", trained.runs)

    assert result.code == 1
    assert "is running this model" in result.sentence


def test_runs_lists_every_run_with_its_decision(trained, cli):
    json_result = cli("runs", "--runs", trained.runs, "--json")
    result = cli("runs", "--runs", trained.runs)

    ids = [summary["run"] for summary in parsed(json_result)]
    assert trained.summary["run"] in ids
    assert "auc" in result.out


def test_no_run_yet_says_how_to_make_one(tmp_path, cli):
    result = cli("runs", "--runs", tmp_path)

    assert result.code == 0
    assert "make run" in result.out


def test_a_candidate_worse_than_the_last_blessed_model_is_refused(trained, folder, cli):
    declare(folder, "least_change", "-0.0005")
    edit(
        folder / "model.py",
        r'return \{"score": (.*)\}',
        r'return {"score": 0.01 * \1 + 0.9 * tf.nn.sigmoid(-features["fare_log"]) }',
    )

    result = cli("run", folder, "--runs", trained.runs, "--json")

    summary = parsed(result)
    decision = summary["decision"]
    [change] = checks_of(summary, "change of auc")
    value = change["value"]
    assert result.code == 3
    assert not decision["blessed"]
    assert not change["holds"]
    assert f"change of auc (all) is {value:.4f}, below -0.0005" in decision["reason"]


def checks_of(summary, metric):
    return [check for check in summary["gate"] if check["metric"] == metric]


def test_a_slice_below_its_own_bound_refuses_the_model(trained, folder, cli):
    bound = (
        '\n[[gate.slices]]\nfeature = "payment_type"\nvalue = "Credit Card"\nlower_bound = 0.999\n'
    )
    edit(folder / "model.toml", r"^\[serving\]$", f"{bound}\n[serving]")

    result = cli("run", folder, "--runs", trained.runs, "--json")

    summary = parsed(result)
    reason = summary["decision"]["reason"]
    checks = checks_of(summary, "auc")
    holds_by_slice = {check["slice"]: check["holds"] for check in checks}
    assert result.code == 3
    assert holds_by_slice == {"all": True, "payment_type=Credit Card": False}
    assert "auc (payment_type=Credit Card) is" in reason
