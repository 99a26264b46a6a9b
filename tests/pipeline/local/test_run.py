"""A run from folder to published model, its records, and a second run without work."""

import fcntl
import json
import shutil

import pytest

from pipeline import manifest
from pipeline.baseline import content
from pipeline.job import startup
from pipeline.local import runs
from pipeline.model.folder import ModelFolder
from pipeline.serving import engine_process
from pipeline.tracking import outbox, sender
from tests.pipeline.conftest import NODES, ROWS, edit, parsed, states
from tests.pipeline.tracking.broken_server import HANGS, broken_server


@pytest.fixture
def summary(trained):
    """The summary of the published model's run."""
    text = (trained.run / "summary.json").read_text()
    return json.loads(text)


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of the trained folder, to edit."""
    return shutil.copytree(trained.folder, tmp_path / "cab")


@pytest.fixture
def run(trained, cli):
    """Run a folder in the store of the published model."""

    def call(folder):
        return cli("run", folder, "--runs", trained.runs, "--json")

    return call


def checks_of(summary, metric):
    """The gate's checks of a metric."""
    return [check for check in summary["gate"] if check["metric"] == metric]


def raise_bar(folder):
    edit(folder / "model.toml", r"^lower_bound = .*$", "lower_bound = 0.999")
    edit(folder / "model.toml", r"^least_change = .*$", "least_change = -0.0001")


def test_a_run_publishes_a_model_that_travels_whole(trained):
    extras = (trained.model / "assets.extra").iterdir()
    names = {file.name for file in extras}

    decision = trained.summary["decision"]
    assert decision == {
        "blessed": True,
        "published": str(trained.model),
        "reason": "published: every bound holds and the model can be served",
    }
    assert names == {"schema.pbtxt", "sample.json", "serving.json", "window.json"}


def test_a_published_version_has_the_baseline_of_the_very_model(trained):
    file = trained.model / "baseline.json"

    baseline = content.decode(file.read_bytes(), str(file))
    version_manifest = manifest.read(manifest.inside(trained.model))
    assert baseline.model == "cab"
    assert baseline.digest == version_manifest.digest
    assert manifest.problem(trained.model, manifest.inside(trained.model)) is None


def test_the_summary_tells_nodes_metrics_gate_and_the_six_records(trained, summary):
    best_json = (trained.folder / "hyperparameters/best.json").read_text()
    hyperparameters = json.loads(best_json)

    metrics = summary["metrics"]
    records = summary["records"]
    data = records["data"]
    model_type = records["model_type"]
    seconds = [node["seconds"] for node in summary["nodes"]]
    first_check, *_ = summary["gate"]
    state_by_node = states(summary)
    assert state_by_node == dict.fromkeys(NODES, "ran")
    assert 1 < max(seconds) <= summary["seconds"] + 0.1
    assert 0.5 < metrics["auc"] < 1
    for value in metrics.values():
        assert isinstance(value, float)
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
        "training",
        "parameters",
    }
    assert data["rows"] == ROWS
    assert records["hyperparameters"] == hyperparameters
    assert records["parameters"] == {"until": None, "tune": False, "set": {}}
    assert model_type["parameters"] > 1000


def test_the_report_is_one_page_that_needs_nothing_else(trained):
    page = (trained.run / "report.html").read_text()

    assert page.count("data:image/svg+xml;base64,") == 4  # ROC, calibration, loss, auc
    assert "http://" not in page.replace("http://127.0.0.1:8080/predict", "")
    assert "https://" not in page
    assert "<script" not in page
    for node in NODES:
        assert f">{node}</text>" in page


def test_the_six_records_go_to_mlflow(trained):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{trained.runs}/mlflow.db")
    experiment = client.get_experiment_by_name("cab")
    [run] = client.search_runs(
        [experiment.experiment_id], f"attributes.run_name = '{trained.run.name}'"
    )

    metrics = trained.summary["metrics"]
    hyperparameters = trained.summary["records"]["hyperparameters"]
    batch_size = hyperparameters["batch_size"]
    artifacts = client.list_artifacts(run.info.run_id)
    files = {artifact.path for artifact in artifacts}
    assert run.data.metrics["auc"] == pytest.approx(metrics["auc"])
    assert run.data.params["batch_size"] == str(batch_size)
    assert {
        "code.commit",
        "environment.tfx",
        "data.sha256",
        "model_type.kind",
        "decision.blessed",
    } <= set(run.data.tags)
    assert files == {"summary.json", "report.html"}


def warnings(result):
    """The lines that tell of the tracker."""
    return [line for line in result.error_lines if line.startswith("the tracker")]


def test_a_tracker_that_is_down_costs_a_warning_and_is_sent_the_run_later(trained, cli):
    """Its database cannot be opened; mlflow tries again for longer than the run waits."""
    database = trained.runs / "mlflow.db"
    aside = trained.runs / "aside.db"
    database.rename(aside)
    database.mkdir()

    result = cli("run", trained.folder, "--runs", trained.runs)

    database.rmdir()
    aside.rename(database)
    waiting = outbox.names(trained.runs)
    sync = cli("runs", "sync", "--runs", trained.runs)
    assert result.code == 0
    assert len(warnings(result)) == 1
    assert len(waiting) == 1
    assert sync.code == 0
    assert sync.out == "1 run sent, 0 runs waiting\n"


class NotedSender(sender.Sender):
    """Notes whether the run's summary is there when the run is announced."""

    has_summary = None

    def announce(self, run):
        self.has_summary = (self.runs / run / "summary.json").exists()
        super().announce(run)


def test_a_run_waits_for_its_tracker_before_its_summary_is_there(trained):
    model = ModelFolder.load(str(trained.folder))
    with sender.started(trained.runs) as started:
        tracker = NotedSender(started.runs, started.address, started.process)

        runs.run(model, trained.runs, tracker)

    assert tracker.has_summary is False
    assert outbox.names(trained.runs) == []


@pytest.mark.parametrize("fault", [HANGS, 503])
def test_a_teams_server_that_is_not_well_costs_one_warning(trained, cli, fault):
    with broken_server(fault) as server:
        result = cli("run", trained.folder, "--runs", trained.runs, "--tracker", server.url)

    [run] = outbox.names(trained.runs)
    entry = outbox.read(trained.runs, run)
    outbox.drop(trained.runs, run)
    [warning] = warnings(result)
    assert result.code == 0
    assert entry.tracker == server.url
    assert warning.startswith(f"the tracker {server.url} did not take this run: ")
    assert warning.endswith("; `python3 -m pipeline runs sync` sends it later")


def test_a_second_run_repeats_nothing_and_publishes_nothing(trained, run):
    published_sha256 = trained.published_sha256

    summary = parsed(run(trained.folder))

    state_by_node = states(summary)
    decision = summary["decision"]
    baseline = summary["baseline"]
    for node in ("CsvExampleGen", "StatisticsGen", "Transform", "Trainer"):
        assert state_by_node[node] == "cached"
    assert decision["blessed"]
    assert "published already" in decision["reason"]
    assert summary["metrics"] == trained.summary["metrics"]
    assert baseline["same_model"]
    assert trained.published_sha256 == published_sha256


def test_a_run_from_the_cache_has_the_curves_of_its_maker_and_differs_in_none(trained, run, cli):
    second = parsed(run(trained.folder))["run"]

    comparison = cli("runs", "compare", trained.run.name, second, "--runs", trained.runs, "--json")

    answer = parsed(comparison)
    curves = json.loads((trained.runs / second / "curves.json").read_text())
    assert set(curves["loss"]) == {"train", "validation"}
    assert answer["curves"] == {}
    assert answer["metrics"] == {}
    assert answer["training"] == {}


def test_a_raised_bar_judges_the_last_blessed_model_anew(folder, run):
    raise_bar(folder)

    result = run(folder)

    decision = parsed(result)["decision"]
    assert result.code == 3
    assert "auc (all) is" in decision["reason"]
    assert "below 0.999" in decision["reason"]


def test_a_run_starts_its_tracker_and_the_one_engine_of_its_check_before_it_imports(
    folder, run, monkeypatch
):
    raise_bar(folder)
    edit(folder / "model.py", r"^def run_fn", "# edited\n\\g<0>")
    start_tracker = sender.started
    start_engine = engine_process._start_engine
    events = []
    engines = []

    def noted_tracker(*arguments):
        events.append("tracker")
        return start_tracker(*arguments)

    def noted_engine():
        events.append("engine")
        engine = start_engine()
        engines.append(engine)
        return engine

    def noted_imports():
        events.append("imports")

    monkeypatch.setattr(sender, "started", noted_tracker)
    monkeypatch.setattr(engine_process, "_start_engine", noted_engine)
    monkeypatch.setattr(startup, "load", noted_imports)

    result = run(folder)

    summary = parsed(result)
    state_by_node = states(summary)
    [engine] = engines
    assert state_by_node["ServingCheck"] == "ran"
    assert events == ["tracker", "engine", "imports"]
    assert engine.returncode == 0


def test_two_at_once_are_told_of_each_other(trained, cli):
    with (trained.runs / "store/cab/.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        result = cli("run", trained.folder, "--runs", trained.runs)

    assert result.code == 1
    assert "is running this model" in result.sentence


def test_runs_lists_every_run_with_its_decision(trained, cli):
    listing = cli("runs", "--runs", trained.runs, "--json")
    table = cli("runs", "--runs", trained.runs)

    summaries = parsed(listing)
    names = [summary["run"] for summary in summaries]
    assert trained.run.name in names
    assert "auc" in table.out


def test_no_run_yet_says_how_to_make_one(tmp_path, cli):
    result = cli("runs", "--runs", tmp_path)

    assert result.code == 0
    assert "make run" in result.out


def test_a_candidate_worse_than_the_last_blessed_model_is_refused(folder, run):
    edit(folder / "model.toml", r"^least_change = .*$", "least_change = -0.0005")
    edit(
        folder / "model.py",
        r'return \{"score": (.*)\}',
        r'return {"score": 0.01 * \1 + 0.9 * tf.nn.sigmoid(-features["fare_log"]) }',
    )

    result = run(folder)

    summary = parsed(result)
    decision = summary["decision"]
    [change] = checks_of(summary, "change of auc")
    sentence = f"change of auc (all) is {change['value']:.4f}, below -0.0005"
    assert result.code == 3
    assert not decision["blessed"]
    assert not change["holds"]
    assert sentence in decision["reason"]


def test_a_slice_below_its_own_bound_refuses_the_model(folder, run):
    bound = (
        '\n[[gate.slices]]\nfeature = "payment_type"\nvalue = "Credit Card"\nlower_bound = 0.999\n'
    )
    edit(folder / "model.toml", r"^\[serving\]$", f"{bound}\n[serving]")

    result = run(folder)

    summary = parsed(result)
    decision = summary["decision"]
    whole, credit_card = checks_of(summary, "auc")
    assert result.code == 3
    assert whole["slice"] == "all"
    assert whole["holds"] is True
    assert credit_card["slice"] == "payment_type=Credit Card"
    assert credit_card["holds"] is False
    assert "auc (payment_type=Credit Card) is" in decision["reason"]


def test_a_file_that_changes_while_the_model_trains_is_named(trained, folder, run):
    raise_bar(folder)
    later = folder / "later.py"
    edit(folder / "model.py", r"^def run_fn\(.*$", f'\\g<0>\n    open("{later}", "w").close()')

    result = run(folder)

    code = parsed(result)["records"]["code"]
    report = (trained.runs / parsed(result)["run"] / "report.html").read_text()
    assert code["changed_during_run"] == ["models/cab/later.py"]
    assert "changed during the run: models/cab/later.py" in result.err
    assert "<code>models/cab/later.py</code>" in report
