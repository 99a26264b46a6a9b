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
    published = trained.published / next(trained.published.iterdir()).name

    assert trained.summary["decision"] == {
        "blessed": True,
        "published": str(published),
        "reason": "published: every bound holds and the model can be served",
    }
    assert {f.name for f in (published / "assets.extra").iterdir()} == {
        "schema.pbtxt",
        "sample.json",
        "serving.json",
    }


def test_the_summary_tells_nodes_metrics_gate_and_the_six_records(trained):
    summary = json.loads((trained.runs / trained.summary["run"] / "summary.json").read_text())

    assert sorted(states(summary)) == sorted(NODES) and set(states(summary).values()) == {"ran"}
    assert 1 < max(n["seconds"] for n in summary["nodes"]) <= summary["seconds"] + 0.1
    assert 0.5 < summary["metrics"]["auc"] < 1 and all(
        isinstance(v, float) for v in summary["metrics"].values()
    )
    assert summary["gate"][0] == {
        "metric": "auc",
        "slice": "all",
        "value": summary["metrics"]["auc"],
        "lower_bound": 0.51,
        "holds": True,
    }
    assert summary["baseline"] is None
    assert set(summary["records"]) == {
        "code",
        "environment",
        "data",
        "hyperparameters",
        "metrics",
        "model_type",
    }
    assert summary["records"]["data"]["rows"] == 1500
    assert summary["records"]["hyperparameters"] == json.loads(
        (trained.folder / "hyperparameters/best.json").read_text()
    )
    assert summary["records"]["model_type"]["parameters"] > 1000


@pytest.mark.parametrize("path", ["", "with a git that finds no checkout"])
def test_where_no_commit_is_known_the_record_says_so(path, tmp_path, monkeypatch):
    if path:
        (tmp_path / "git").write_text("#!/bin/sh\nexit 128\n")
        (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert code() == {"commit": "unknown", "changed_files": []}


def test_the_report_is_one_page_that_needs_nothing_else(trained):
    page = (trained.runs / trained.summary["run"] / "report.html").read_text()

    assert page.count("data:image/svg+xml;base64,") == 4  # ROC, calibration, loss, auc
    assert "http://" not in page and "https://" not in page and "<script" not in page
    assert all(f">{node}</text>" in page for node in NODES)


def test_the_six_records_go_to_mlflow(trained):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{trained.runs}/mlflow.db")
    [run] = client.search_runs(
        [client.get_experiment_by_name("cab").experiment_id],
        f"attributes.run_name = '{trained.summary['run']}'",
    )

    assert run.data.metrics["auc"] == pytest.approx(trained.summary["metrics"]["auc"])
    assert run.data.params["batch_size"] == str(
        trained.summary["records"]["hyperparameters"]["batch_size"]
    )
    assert {
        "code.commit",
        "environment.tfx",
        "data.sha256",
        "model_type.kind",
        "decision.blessed",
    } <= set(run.data.tags)
    assert {f.path for f in client.list_artifacts(run.info.run_id)} == {
        "summary.json",
        "report.html",
    }


def test_a_tracker_that_is_down_costs_a_warning(trained, cli):
    database, aside = trained.runs / "mlflow.db", trained.runs / "aside.db"
    database.rename(aside)
    database.mkdir()

    result = cli("run", trained.folder, "--runs", trained.runs)

    database.rmdir()
    aside.rename(database)
    assert result.code == 0 and "the tracker did not take this run" in result.err


def test_a_second_run_repeats_nothing_and_publishes_nothing(trained, cli):
    first_tree = tree_sha256(trained.published)

    summary = parsed(cli("run", trained.folder, "--runs", trained.runs, "--json"))

    assert {
        state
        for node, state in states(summary).items()
        if node in ("CsvExampleGen", "StatisticsGen", "Transform", "Trainer")
    } == {"cached"}
    assert summary["decision"]["blessed"] and "published already" in summary["decision"]["reason"]
    assert summary["metrics"] == trained.summary["metrics"] and summary["baseline"]["same_model"]
    assert tree_sha256(trained.published) == first_tree


def test_a_raised_bar_judges_the_last_blessed_model_anew(trained, tmp_path, cli):
    folder = shutil.copytree(trained.folder, tmp_path / "cab")
    edit(folder / "model.toml", r"^lower_bound = .*$", "lower_bound = 0.999")
    edit(folder / "model.toml", r"^least_change = .*$", "least_change = -0.0001")

    result = cli("run", folder, "--runs", trained.runs, "--json")

    assert result.code == 3
    assert (
        "auc (all) is" in parsed(result)["decision"]["reason"]
        and "below 0.999" in parsed(result)["decision"]["reason"]
    )


def test_a_run_starts_its_tracker_and_the_one_engine_of_its_check_before_it_imports(
    trained, tmp_path, cli, monkeypatch
):
    folder, start, begin = (
        shutil.copytree(trained.folder, tmp_path / "cab"),
        engine_process._started,
        tracking.started,
    )
    edit(folder / "model.toml", r"^lower_bound = .*$", "lower_bound = 0.999")
    edit(folder / "model.toml", r"^least_change = .*$", "least_change = -0.0001")
    edit(folder / "model.py", r"^def run_fn", "# edited\n\\g<0>")
    events, engines = [], []
    monkeypatch.setattr(tracking, "started", lambda runs: events.append("tracker") or begin(runs))
    monkeypatch.setattr(
        engine_process,
        "_started",
        lambda: events.append("engine") or engines.append(start()) or engines[-1],
    )
    monkeypatch.setattr(startup, "load", lambda: events.append("imports"))

    result = cli("run", folder, "--runs", trained.runs, "--json")

    assert states(parsed(result))["ServingCheck"] == "ran"
    assert events == ["tracker", "engine", "imports"]
    assert [engine.returncode for engine in engines] == [0]


def test_two_at_once_are_told_of_each_other(trained, cli):
    with (trained.runs / "store/cab/.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        result = cli("run", trained.folder, "--runs", trained.runs)

    assert result.code == 1
    assert "is running this model" in result.sentence


def test_runs_lists_every_run_with_its_decision(trained, cli):
    listed = parsed(cli("runs", "--runs", trained.runs, "--json"))

    assert trained.summary["run"] in [s["run"] for s in listed]
    assert "auc" in cli("runs", "--runs", trained.runs).out


def test_no_run_yet_says_how_to_make_one(tmp_path, cli):
    result = cli("runs", "--runs", tmp_path)

    assert result.code == 0
    assert "make run" in result.out


def test_a_candidate_worse_than_the_last_blessed_model_is_refused(trained, tmp_path, cli):
    folder = shutil.copytree(trained.folder, tmp_path / "cab")
    edit(folder / "model.toml", r"^least_change = .*$", "least_change = -0.0005")
    edit(
        folder / "model.py",
        r'return \{"score": (.*)\}',
        r'return {"score": 0.01 * \1 + 0.9 * tf.nn.sigmoid(-features["fare_log"]) }',
    )

    result = cli("run", folder, "--runs", trained.runs, "--json")

    [change] = [check for check in parsed(result)["gate"] if check["metric"] == "change of auc"]
    assert result.code == 3 and not parsed(result)["decision"]["blessed"]
    assert (
        not change["holds"]
        and f"change of auc (all) is {change['value']:.4f}, below -0.0005"
        in parsed(result)["decision"]["reason"]
    )


def test_a_slice_below_its_own_bound_refuses_the_model(trained, tmp_path, cli):
    folder = shutil.copytree(trained.folder, tmp_path / "cab")
    bound = (
        '\n[[gate.slices]]\nfeature = "payment_type"\nvalue = "Credit Card"\nlower_bound = 0.999\n'
    )
    edit(folder / "model.toml", r"^\[serving\]$", f"{bound}\n[serving]")

    result = cli("run", folder, "--runs", trained.runs, "--json")

    checks = {
        check["slice"]: check["holds"]
        for check in parsed(result)["gate"]
        if check["metric"] == "auc"
    }
    assert result.code == 3 and checks == {"all": True, "payment_type=Credit Card": False}
    assert "auc (payment_type=Credit Card) is" in parsed(result)["decision"]["reason"]
