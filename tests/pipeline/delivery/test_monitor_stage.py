"""`monitor` in a stage: what was served and when, what was answered, and who is told."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.bigquery import SchemaField, Table

from pipeline.baseline import content
from pipeline.components import vertex_pusher
from pipeline.delivery import deployment, history
from pipeline.gcp import clients
from pipeline.gcp.endpoints import METRICS, endpoint_of
from pipeline.monitoring import columns
from pipeline.monitoring.cloud import Cloud
from pipeline.serving.request_log.table import LogTable
from tests.pipeline.delivery.conftest import DEV, FIRST, add_delivery
from tests.pipeline.monitoring import cab
from tests.standins import local_bigquery
from tests.standins.alerts import raised
from tests.standins.google.faults import LOST, Fault

NAMES = DEV.names
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
DAY_BEFORE = YESTERDAY - timedelta(days=1)
ROWS = 420
TABLES = {"verdicts": columns.VERDICTS, "acceptances": columns.ACCEPTANCES}


@pytest.fixture
def bigquery(tmp_path, monkeypatch):
    """With what Terraform makes in dev, and the log that Vertex makes."""
    with local_bigquery.serving(tmp_path / "bigquery") as server:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
        for dataset in ("requests", "views", "verdicts"):
            local_bigquery.create_dataset(server.url, DEV.project_id, NAMES.dataset(dataset))
        client = clients.bigquery(DEV.project_id, DEV.region)
        for name, fields in TABLES.items():
            schema = [SchemaField(field, kind, mode=mode) for field, kind, mode in fields]
            client.create_table(Table(f"{verdicts_dataset()}.{name}", schema=schema))
        LogTable(log()).connect()
        yield client


def log() -> str:
    return f"{DEV.project_id}.{NAMES.dataset('requests')}.{NAMES.request_table('cab')}"


def verdicts_dataset() -> str:
    return f"{DEV.project_id}.{NAMES.dataset('verdicts')}"


def fill(client, day, id_, rows=ROWS, **change) -> None:
    requests = cab.requests(cab.rows(rows, seed=rows, **change), day, id_)
    assert client.insert_rows_json(log(), requests) == []


def answer(google, day, id_, requests: int) -> None:
    """Have Cloud Monitoring count these requests on the day."""
    noon = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12)
    google.measure(
        f"{METRICS}/response_count", requests, at=noon, deployed_model_id=id_, response_code="2xx"
    )


def serve(stage, number: str, baseline=None) -> str:
    """Push and deploy a version of cab with its baseline; return its deployed model's id."""
    uri = f"{NAMES.artifacts_uri}/pipelines/cab/{number}/Format-Serving"
    destination = deployment.destination(stage, "cab", FIRST.images)
    version, _ = vertex_pusher.push(uri, destination)
    if baseline is not None:
        name = f"{uri}/{content.NAME}".removeprefix(f"{NAMES.artifacts_uri}/")
        stage.artifacts.blob(name).upload_from_string(content.encode(baseline))
    return endpoint_of(stage, "cab").deployed()[version.version_id]


@pytest.fixture
def version(google, warm) -> str:
    """The deployed model that has all the traffic, as the record says."""
    id_ = serve(warm, "1", cab.baseline(window_days=1))
    delivered_at = datetime.now(UTC) - timedelta(days=30)
    delivery = replace(FIRST, deployed_model=id_, delivered_at=delivered_at)
    add_delivery(warm, "cab", delivery)
    return id_


def test_an_open_finding_is_one_event_which_raises_one_alert(
    google, cli, bigquery, warm, version, tmp_path
):
    for day in (DAY_BEFORE, YESTERDAY):
        fill(bigquery, day, version, missing=0.3)
    answer(google, DAY_BEFORE, version, 10 * ROWS)
    answer(google, YESTERDAY, version, 20 * ROWS)
    google.faults.append(Fault("POST", "entries:write", LOST))

    first = cli("monitor", "--env", "dev", "--models", "all", "--date", DAY_BEFORE)
    # As after a kill between the event and the row's mark.
    bigquery.query(f"UPDATE `{verdicts_dataset()}.verdicts` SET told = FALSE WHERE TRUE").result()
    cli("monitor", "--env", "dev", "--models", "cab", "--date", DAY_BEFORE)
    add_delivery(warm, "ferry", FIRST)  # whose endpoint is not there
    second = cli("monitor", "--env", "dev", "--models", "all", "--verdict-succeeds", "--json")

    overview = cli("monitor", "--overview", "--runs", tmp_path)

    told = [(entry["jsonPayload"]["event"], raised(entry, "dev")) for entry in google.entries]
    fault, _, _, lost, _ = [entry["jsonPayload"] for entry in google.entries]
    query = f"SELECT * FROM `{verdicts_dataset()}.verdicts` ORDER BY window_end"
    rows = [dict(row) for row in bigquery.query(query).result()]
    page = warm.artifacts.blob("reports/monitoring/cab.html").download_as_bytes().decode()
    assert first.code == 3, first.err
    assert "ferry: skipped: nothing of it was delivered to dev yet" in first.out
    assert second.code == 1
    assert "monitor: ferry: the endpoint" in second.err
    assert told == [
        ("fault", ["dev: fault"]),
        ("monitored", []),
        ("monitored", []),
        ("log_incomplete", ["dev: log incomplete"]),
        ("monitored", []),
    ]
    assert "fare is missing" in fault["sentence"]
    assert fault["report"] == (
        f"https://storage.cloud.google.com/{NAMES.bucket('artifacts')}/reports/monitoring/cab.html"
    )
    assert "the log has 420 requests, and 840 are expected of 8,400" in lost["sentence"]
    assert [row["verdict"] for row in rows] == ["fault", "log incomplete"]
    assert [row["told"] for row in rows] == [True, True]
    assert [row["version"] for row in rows] == ["1", "1"]
    assert json.loads(second.out)[0]["expected_requests"] == 840
    assert "840 are expected" in page
    assert f"{DEV.github.address('docs/runbook.md')}#log-incomplete" in page
    assert "840 are expected" in (tmp_path / "monitoring/index.html").read_text()
    assert overview.code == 1
    assert "monitor: prod: the table" in overview.err


def test_a_day_whose_rows_are_gone_uncounted_has_no_verdict(cli, google, bigquery, warm):
    id_ = serve(warm, "1", cab.baseline(window_days=1))
    delivered_at = datetime.now(UTC) - timedelta(days=200)
    add_delivery(warm, "cab", replace(FIRST, deployed_model=id_, delivered_at=delivered_at))
    gone = YESTERDAY - timedelta(days=DEV.request_log.retention_days)

    result = cli("monitor", "--env", "dev", "--models", "cab", "--date", gone)

    query = f"SELECT * FROM `{verdicts_dataset()}.verdicts`"
    assert result.code == 0, result.out
    assert f"or is in the log any more, in the days until {gone}" in result.out
    assert list(bigquery.query(query).result()) == []


def test_a_version_that_was_taken_back_and_undeployed_is_known_by_the_history(
    google, warm, version
):
    endpoint = endpoint_of(warm, "cab")
    endpoint.split({version: 100})
    history.append(endpoint, "release")
    newer = serve(warm, "2")
    endpoint.split({version: 50, newer: 50})
    history.append(endpoint, "release")
    endpoint.split({version: 100})
    endpoint.undeploy(newer)
    history.append(endpoint, "taken back")

    versions = {part.id: part for part in Cloud(warm).versions("cab", YESTERDAY)}

    [span] = versions[newer].spans
    assert set(versions) == {version, newer}
    assert versions[version].baseline == cab.baseline(window_days=1)
    assert versions[newer].problem == (
        "it was trained before there were baselines: train the model again"
    )
    assert versions[newer].number == "2"
    assert span.end is not None
    assert versions[version].spans[-1].end is None


def test_a_version_of_before_there_was_a_history_has_served_since_its_delivery(
    google, warm, version
):
    [only] = Cloud(warm).versions("cab", YESTERDAY)

    [span] = only.spans
    assert span.begin.date() == datetime.now(UTC).date() - timedelta(days=30)
    assert span.end is None


def test_instances_are_compared_where_requests_are_not_counted(google, warm, version):
    google.measure(f"{METRICS}/prediction_count", 1_000, deployed_model_id=version)
    google.measure(f"{METRICS}/error_count", 100, deployed_model_id=version)

    answered = Cloud(warm).answered("cab", version, DAY_BEFORE, YESTERDAY)

    assert answered.count == 900
    assert answered.unit == "instances"


def test_a_model_that_was_never_delivered_has_no_version(google, warm):
    assert Cloud(warm).versions("cab", YESTERDAY) == []
