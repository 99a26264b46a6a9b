"""A run leaves the same summary and report, whether it ran here or on Vertex Pipelines."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from pipeline.delivery import history
from pipeline.lineage.cloud_runs import CloudRuns
from pipeline.tracking import experiment_run
from tests.pipeline.conftest import NODES, ROWS, nodes_that, parsed, states
from tests.pipeline.delivery.conftest import recorded_cab
from tests.pipeline.delivery.deliveries import deliver
from tests.pipeline.tracking.stage_runs import contexts
from tests.standins.google.faults import Fault
from tests.standins.twin import CLOUD_NAMES, Twin

CLOUD_NODES = [CLOUD_NAMES.get(node, node) for node in NODES]
BROWSER = "https://storage.cloud.google.com/mill-dev-dev-artifacts"
PROBLEM = "the model answers a constant, 0.5, to 64 different held-out rows"
CARD = {f"card/{name}" for name in ("README.md", "card.html", "card.json", "model.cdx.json")}
pytestmark = pytest.mark.usefixtures("quick")


@dataclass
class Left:
    """A run's summary, its page, its curves and its nodes."""

    summary: dict[str, Any]
    page: str
    curves: dict[str, Any]
    nodes: list[str]


@pytest.fixture
def here(trained):
    page = (trained.run / "report.html").read_text()
    text = (trained.run / "summary.json").read_text()
    curves = (trained.run / "curves.json").read_text()
    return Left(json.loads(text), page, json.loads(curves), NODES)


@pytest.fixture
def twin(rehearsed):
    """The job's twin, from the first rehearsal: the published model's."""
    files = rehearsed.root.glob("rehearsals/*/tasks.json")
    text = min(files).read_text()
    return Twin(json.loads(text), rehearsed.root)


@pytest.fixture
def bucket(blob):
    return blob.bucket


@pytest.fixture
def vertex(pipelines, commit, twin, bucket):
    pipelines.details = twin.details(bucket.name)
    deliver(commit)
    return left(pipelines, bucket)


def left(pipelines, bucket):
    """The summary, the page and the curves of the last job's delivery, from the bucket."""
    texts = []
    for name in ("summary.json", "report.html", "curves.json"):
        blob = bucket.blob(f"{folder(pipelines)}/{name}")
        texts.append(blob.download_as_text() if blob.exists() else "{}")
    summary, page, curves = texts
    return Left(json.loads(summary), page, json.loads(curves), CLOUD_NODES)


def folder(pipelines):
    job = pipelines.jobs[-1]
    *_, run = job["name"].split("/")
    return f"reports/cab/{run}"


@pytest.fixture(params=["here", "vertex"])
def run(request):
    return request.getfixturevalue(request.param)


def test_record_history_and_summary_name_the_same_digests(vertex, warm):
    records = vertex.summary["records"]

    delivery = recorded_cab(warm).current
    *_, change = history.read(warm, "cab")
    digest = records["training"]["digest"]
    assert delivery.model_digest == digest
    assert change.digests == {delivery.registry_version: digest}
    assert delivery.data_digest == records["data"]["digest"]


def test_a_run_leaves_its_summary_wherever_it_ran(run):
    summary = run.summary

    metrics = summary["metrics"]
    records = summary["records"]
    data = records["data"]
    decision = summary["decision"]
    seconds = [node["seconds"] for node in summary["nodes"]]
    [check] = [check for check in summary["gate"] if check["slice"] == "all"]
    assert summary["model"] == "cab"
    assert summary["state"] == "succeeded"
    assert states(summary) == dict.fromkeys(run.nodes, "ran")
    assert 1 < max(seconds) <= summary["seconds"] + 0.1
    assert 0.5 < metrics["auc"] < 1
    assert check["value"] == metrics["auc"]
    assert check["holds"] is True
    assert summary["baseline"] is None
    assert decision["blessed"] is True
    assert decision["published"]
    assert decision["reason"] == "published: every bound holds and the model can be served"
    assert data["rows"] == ROWS
    assert data["rows_dropped"] == 0
    assert len(data["digest"]) == 64
    assert data["window"] == {
        "begin": None,
        "end": None,
        "first": "2014-05-13T17:00:00Z",
        "last": "2014-05-29T07:45:00Z",
        "rows_without_time": 0,
    }
    assert records["hyperparameters"]["batch_size"]
    assert records["model_type"]["parameters"] > 1000


def test_a_delivered_run_is_tracked_with_its_records(vertex, google, warm):
    [context] = contexts(google, warm, "system.ExperimentRun").values()

    row = experiment_run.row(context)
    assert row.run == vertex.summary["run"]
    assert row.metrics == vertex.summary["metrics"]
    assert row.hyperparameters == vertex.summary["records"]["hyperparameters"]
    assert row.blessed is True
    assert (
        context["metadata"]["facts"]["data.digest"] == vertex.summary["records"]["data"]["digest"]
    )
    assert not [request for request in google.requests if "ensorboard" in request.path]


def test_a_tracker_that_is_down_costs_a_delivery_one_warning(
    google, pipelines, commit, twin, bucket, capsys
):
    pipelines.details = twin.details(bucket.name)
    google.faults.append(Fault("POST", "contextId", 503))

    [verdict] = deliver(commit)

    warnings = [line for line in capsys.readouterr().err.splitlines() if "sync" in line]
    assert verdict.state == "delivered"
    assert verdict.report
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "cab: the run waits for Vertex Experiments, `runs sync --env dev`"
    )


def test_a_stage_s_run_is_compared_with_one_of_this_machine(vertex, trained, cli):
    run = vertex.summary["run"]
    names = (trained.run.name, run[:-2])

    result = cli("runs", "compare", *names, "--env", "dev", "--runs", trained.runs, "--json")

    assert result.code == 0, result.err
    answer = parsed(result)
    _, image = answer["environment"]["image"]
    assert answer["runs"] == [trained.run.name, run]
    assert "@sha256:" in image
    assert answer["hyperparameters"] == {}
    assert not [sentence for sentence in answer["unknown"] if "curves" in sentence]


def test_a_version_says_where_its_card_is(vertex, pipelines, bucket, google):
    name = f"{folder(pipelines)}/card/card.html"

    [description] = [
        body["versionDescription"]
        for body in google.objects.values()
        if "versionDescription" in body
    ]

    assert description == f"Its card: {BROWSER}/{name}"
    page = bucket.blob(name).download_as_text()
    assert "How good it is" in page


def test_the_verb_brings_a_stage_s_card(vertex, cli, tmp_path):
    result = cli("card", "cab", "--env", "dev", "--output", tmp_path / "card", "--json")

    assert result.code == 0, result.err
    card = json.loads((tmp_path / "card/card.json").read_text())
    values = {metric["name"]: metric["value"] for metric in card["metrics"]}
    assert values["auc"] == vertex.summary["metrics"]["auc"]


def test_two_runs_of_a_stage_are_compared_by_name(vertex, cli):
    run = vertex.summary["run"]

    result = cli("lineage", "diff", run, "cab", "--env", "dev", "--json")

    assert result.code == 0, result.err
    answer = json.loads(result.out)
    assert answer["runs"] == [run, run]
    assert answer["code"] == {}
    assert answer["unknown"] == []


def test_the_statistics_of_a_stage_s_run_are_brought_here(vertex, dev, tmp_path):
    runs = CloudRuns(dev, None, tmp_path)

    folder = runs.statistics(vertex.summary)

    assert (folder / "Split-train/FeatureStats.pb").is_file()


def test_a_run_leaves_its_report_wherever_it_ran(run):
    page = run.page

    assert page.count("data:image/svg+xml;base64,") == 4  # ROC, calibration, loss, auc
    assert "<script" not in page
    assert "None: the data is what schema.pbtxt says." in page
    assert "Raw columns of the train split" in page
    assert "<td>trip_miles</td>" in page
    for node in run.nodes:
        assert f">{node}</text>" in page


def test_a_run_leaves_its_curves_wherever_it_ran(run):
    curves = run.curves

    epochs = [epoch for epoch, _ in curves["loss"]["validation"]]
    assert set(curves) == {"auc", "loss", "roc"}
    assert epochs == [1, 2, 3, 4, 5]
    assert curves["roc"]["all"][0] == [1.0, 1.0]


def test_a_run_tells_what_will_be_monitored_wherever_it_ran(run):
    monitoring = run.summary["monitoring"]

    columns = {column["name"]: column for column in monitoring["columns"]}
    importances = [column["importance"] for column in monitoring["columns"]]
    assert monitoring["problem"] is None
    assert monitoring["rows"] > ROWS / 2
    assert monitoring["window_days"] == 7
    assert columns["payment_type"]["importance"] > 0.1
    assert columns["fare"]["limit"] > 0
    assert columns["company"]["unjudged"]
    assert columns["company"]["limit"] is None
    assert importances == sorted(importances, reverse=True)
    assert "What will be monitored" in run.page
    assert "<td>company</td>" in run.page
    assert columns["company"]["unjudged"] in run.page


def test_both_draw_the_same_graph(here, vertex):
    here_edges = upstream(here.summary)
    vertex_edges = upstream(vertex.summary)

    named_as_there = {}
    for node, sources in here_edges.items():
        cloud_sources = {CLOUD_NAMES.get(source, source) for source in sources}
        named_as_there[CLOUD_NAMES.get(node, node)] = cloud_sources
    assert vertex_edges == named_as_there


def upstream(summary):
    return {node["id"]: set(node["upstream"]) for node in summary["nodes"]}


def test_the_records_of_a_vertex_run_name_its_commit_and_its_image(vertex, pipelines, commit):
    records = vertex.summary["records"]

    [job] = pipelines.jobs
    image_label = job["labels"]["image"]
    image = records["environment"]["image"]
    assert records["code"]["commit"] == commit
    assert records["code"]["changed_files"] == []
    assert "models/cab/model.py" in records["code"]["files"]
    assert f"/pipeline@sha256:{image_label}" in image


def test_a_browser_shows_the_report_that_the_verdict_links(pipelines, commit, twin, bucket):
    pipelines.details = twin.details(bucket.name)

    [verdict] = deliver(commit)

    place = folder(pipelines)
    page = bucket.get_blob(f"{place}/report.html")
    summary = bucket.get_blob(f"{place}/summary.json")
    assert verdict.report == f"{BROWSER}/{place}/report.html"
    assert page.content_type == "text/html; charset=utf-8"
    assert summary.content_type == "application/json"


def test_a_cached_task_is_told_with_the_outputs_of_the_run_that_made_them(
    pipelines, commit, twin, bucket
):
    pipelines.details = twin.details(bucket.name, cached=True)

    deliver(commit)

    run = left(pipelines, bucket)
    assert nodes_that(run.summary, "cached") == {*CLOUD_NODES} - {"Pusher"}
    assert run.summary["metrics"]
    assert run.page.count("data:image/svg+xml;base64,") == 4


def test_a_refused_run_is_reported_with_its_reason_and_the_alert_links_it(
    google, pipelines, commit, twin, bucket
):
    refused_twin = replace(twin, tasks=[refused(task) for task in twin.tasks])
    pipelines.details = refused_twin.details(bucket.name)
    pipelines.verdict = "refused"

    [verdict] = deliver(commit)

    run = left(pipelines, bucket)
    [entry] = google.entries
    assert verdict.state == "not blessed"
    assert run.summary["decision"]["reason"] == f"not published: {PROBLEM}"
    assert "Not published" in run.page
    assert entry["jsonPayload"]["report"] == verdict.report


def refused(task):
    """The task as in a run with an unservable model."""
    if task["taskName"] != "ServingCheck":
        return task
    [artifact] = task["outputs"]["blessing"]["artifacts"]
    metadata = {**artifact["metadata"], "blessed": 0, "problems": json.dumps([PROBLEM])}
    blessing = {"artifacts": [{**artifact, "metadata": metadata}]}
    return {**task, "outputs": {"blessing": blessing}}


def test_a_run_without_a_baseline_tells_why(pipelines, commit, twin, bucket):
    tasks = [without_baseline(task) for task in twin.tasks]
    pipelines.details = replace(twin, tasks=tasks).details(bucket.name)

    deliver(commit)

    run = left(pipelines, bucket)
    assert run.summary["monitoring"] == {"problem": "there are no held-out rows"}
    assert "there is no baseline, since there are no held-out rows." in run.page
    assert run.summary["decision"]["published"]


def without_baseline(task):
    """The task as in a run whose baseline could not be made."""
    if task["taskName"] != "Baseline":
        return task
    [artifact] = task["outputs"]["baseline"]["artifacts"]
    metadata = {"problem": "there are no held-out rows"}
    return {**task, "outputs": {"baseline": {"artifacts": [{**artifact, "metadata": metadata}]}}}


def test_a_failed_run_is_reported_up_to_its_failure_and_the_alert_links_it(
    google, pipelines, commit, twin, bucket
):
    names = [task["taskName"] for task in twin.tasks]
    trainer = names.index("Trainer")
    begun_tasks = replace(twin, tasks=twin.tasks[:trainer])
    pipelines.details = begun_tasks.details(bucket.name)
    pipelines.verdict = "failed"

    [verdict] = deliver(commit)

    run = left(pipelines, bucket)
    [entry] = google.entries
    assert verdict.state == "failed"
    assert "failed at Trainer: out of memory" in run.summary["error"]
    assert nodes_that(run.summary, "failed") == {"Trainer"}
    assert "Evaluator" in nodes_that(run.summary, "not reached")
    assert "Raw columns of the train split" in run.page
    assert entry["jsonPayload"]["report"] == verdict.report


def test_a_report_that_cannot_be_made_is_a_sentence_and_no_failure(
    google, pipelines, commit, twin, bucket, cli
):
    details = twin.details(bucket.name)
    [statistics] = [task for task in details if task["taskName"] == "StatisticsGen"]
    [artifact] = statistics["outputs"]["statistics"]["artifacts"]
    artifact["uri"] = "gs://somebody-else/statistics"
    pipelines.details = details
    models = ("--models", "cab")

    result = cli("deliver", "--env", "dev", "--commit", commit, *models, "--tag", "built", "--json")

    [verdict] = parsed(result)
    assert result.code == 0
    assert verdict["state"] == "delivered"
    assert verdict["report"] is None
    assert "was not written: an artifact lies at gs://somebody-else/statistics" in result.err


def test_a_delivery_that_is_run_again_reports_again_in_the_same_place(
    pipelines, commit, twin, bucket, cli
):
    pipelines.details = twin.details(bucket.name)
    deliver(commit)

    [verdict] = deliver(commit)

    names = {blob.name for blob in bucket.list_blobs(prefix="reports/")}
    place = folder(pipelines)
    files = {name.removeprefix(f"{place}/") for name in names}
    assert files == {"summary.json", "report.html", "curves.json", "provenance.json", *CARD}
    assert verdict.report


def test_the_verb_prints_the_report_s_address(pipelines, commit, cli):
    result = cli("deliver", "--env", "dev", "--commit", commit, "--models", "cab", "--tag", "built")

    assert f"  report: {BROWSER}/{folder(pipelines)}/report.html" in result.out
