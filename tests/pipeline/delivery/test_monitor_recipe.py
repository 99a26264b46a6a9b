"""A morning of the monitor: the schedule's message, the recipe's own step, an event, its alert.

The step runs as Cloud Build runs it, in a checkout of these files with the tests' own stages.
"""

import shutil
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.bigquery import SchemaField, Table

from infra.doctor.calls import IN_THE_PROJECT
from pipeline.baseline import content
from pipeline.components import vertex_pusher
from pipeline.delivery import deployment
from pipeline.gcp import clients
from pipeline.gcp.endpoints import endpoint_of
from pipeline.monitoring import columns
from pipeline.monitoring.log import profile_columns
from pipeline.serving.request_log.table import LogTable
from settings import REPOSITORY
from tests.pipeline.delivery.conftest import DEV, FIRST, add_delivery, builds
from tests.pipeline.monitoring import cab
from tests.standins import local_bigquery
from tests.standins.alerts import raised
from tests.standins.cloud_build.recipes import Recipes
from tests.standins.google.permissions import permission
from tests.team import TEAM

PATIENCE_SECONDS = 300
NAMES = DEV.names
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
MONITOR = NAMES.service_account_resource("monitor")
TABLES = {
    "profiles": profile_columns.PROFILES,
    "verdicts": columns.VERDICTS,
    "acceptances": columns.ACCEPTANCES,
}


@pytest.fixture
def bigquery(tmp_path, monkeypatch):
    """With what Terraform makes in dev: three datasets and the monitor's tables."""
    with local_bigquery.serving(tmp_path / "bigquery") as bigquery:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery.url)
        for dataset in ("requests", "views", "verdicts"):
            local_bigquery.create_dataset(bigquery.url, DEV.project_id, NAMES.dataset(dataset))
        client = clients.bigquery(DEV.project_id, DEV.region)
        for name, fields in TABLES.items():
            schema = [SchemaField(field, kind, mode=mode) for field, kind, mode in fields]
            address = f"{DEV.project_id}.{NAMES.dataset('verdicts')}.{name}"
            client.create_table(Table(address, schema=schema))
        yield bigquery


@pytest.fixture
def commit(repository):
    """A commit of these files, with the tests' stages and models in place of the team's."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    process = subprocess.run(listing, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True)
    for name in process.stdout.split("\0"):
        file = REPOSITORY / name
        if file.is_file() and not name.startswith(("models/", "docs/")):
            copy = repository.path / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)
    shutil.copytree(TEAM / "models", repository.path / "models")
    shutil.copy(TEAM / "environments.py", repository.path)
    return repository.commit({})


@pytest.fixture
def recipes(google, store, bigquery, repository, commit):
    """The recipe on the monitor's topic, as the delivery stack makes its trigger."""

    def report(build, status):
        google.change("cloud_build", build["name"], status=status)

    environment = {
        **google.environment(),
        "STORAGE_EMULATOR_HOST": store.url,
        "BIGQUERY_EMULATOR_HOST": bigquery.url,
    }
    recipes = Recipes(repository.path, environment, report)
    google.main = lambda: commit
    google.on_build = lambda build: None if is_delivery(build) else recipes.run(build)
    listen(google, "monitor", _MODELS="all", _RETRAIN="yes")
    attributes = {name: f"$(body.message.attributes.{name})" for name in ("models", "request")}
    listen(google, "retrain", _MODELS=attributes["models"], _REQUEST=attributes["request"])
    google.add_trigger(DEV.project_id, DEV.region, NAMES.trigger("modules"))
    return recipes


def listen(google, recipe, **substitutions) -> None:
    """Make the recipe's trigger on the topic of its name."""
    topic = google.add_topic(DEV.project_id, NAMES.topic(recipe))
    google.add_trigger(
        DEV.project_id,
        DEV.region,
        NAMES.trigger(recipe),
        serviceAccount=MONITOR if recipe == "monitor" else "",
        substitutions={"_STAGE": "dev", **substitutions},
        pubsubConfig={"topic": topic},
        gitFileSource={"path": f"build/{recipe}.yaml", "revision": "refs/heads/main"},
    )


def is_delivery(build) -> bool:
    """Whether it is of the modules recipe, which trains: it stays queued here."""
    return build["substitutions"]["TRIGGER_NAME"] == NAMES.trigger("modules")


@pytest.fixture
def served(warm) -> str:
    """The deployed model of cab that has all the traffic since a month."""
    uri = f"{NAMES.artifacts_uri}/pipelines/cab/1/Format-Serving"
    version, _ = vertex_pusher.push(uri, deployment.destination(warm, "cab", FIRST.images))
    name = f"{uri}/{content.NAME}".removeprefix(f"{NAMES.artifacts_uri}/")
    baseline = content.encode(cab.baseline(window_days=1))
    warm.artifacts.blob(name).upload_from_string(baseline)
    id_ = endpoint_of(warm, "cab").deployed()[version.version_id]
    delivered_at = datetime.now(UTC) - timedelta(days=30)
    add_delivery(warm, "cab", replace(FIRST, deployed_model=id_, delivered_at=delivered_at))
    return id_


@pytest.fixture
def morning(google, recipes, served):
    """The build that the schedule's message has started, once it is over."""
    google.requests.clear()
    [build] = begin_morning(google, recipes, 1)
    return build


def begin_morning(google, recipes, count):
    """Send the schedule's message, and wait for so many builds to be over; return all."""
    topic = f"projects/{DEV.project_id}/topics/{NAMES.topic('monitor')}"
    google.respond("POST", f"/pubsub/v1/{topic}:publish", b'{"messages": [{"data": "e30="}]}')
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(recipes.outcomes) < count:
        assert time.monotonic() < deadline, recipes.outcomes
        time.sleep(0.2)
    return builds(google)


def test_a_finding_is_told_by_its_alert_and_fails_no_build(google, recipes, morning):
    """No request was logged, and nothing but the monitor's account is needed to tell."""
    outcome = recipes.outcomes[morning["name"]]
    alerts = {entry["jsonPayload"]["event"]: raised(entry, "dev") for entry in google.entries}

    assert outcome.status == "SUCCESS", outcome.output[-2000:]
    assert "cab: version 1: no requests: " in outcome.output
    assert alerts == {"no_requests": ["dev: no requests logged"], "monitored": []}
    assert morning["serviceAccount"] == MONITOR
    assert asked_permissions(google) <= held_permissions("monitor")


def test_a_drift_that_lasts_is_retrained_by_messages_and_recipes_alone(
    google, cli, bigquery, recipes, served
):
    """From the log to a build of the modules recipe, which is of the commit that serves."""
    log = f"{DEV.project_id}.{NAMES.dataset('requests')}.{NAMES.request_table('cab')}"
    LogTable(log).connect()
    client = clients.bigquery(DEV.project_id, DEV.region)
    for day in (YESTERDAY - timedelta(days=1), YESTERDAY):
        rows = cab.rows(420, seed=day.day, cash=0.3)
        assert client.insert_rows_json(log, cab.requests(rows, day, served)) == []
    day_before = ("--date", YESTERDAY - timedelta(days=1))
    cli("monitor", "--env", "dev", "--models", "cab", *day_before, "--verdict-succeeds")

    _, retrain, modules = begin_morning(google, recipes, 2)

    monitor_outcome, retrain_outcome = recipes.outcomes.values()
    sent, taken = retrain["substitutions"], modules["substitutions"]
    assert "a retraining was asked for on" in monitor_outcome.output, monitor_outcome.output
    assert retrain_outcome.status == "SUCCESS", retrain_outcome.output[-2000:]
    assert sent["_MODELS"] == "cab"
    assert sent["_REQUEST"] == f"cab-1-{YESTERDAY}"
    assert taken["_REQUEST"] == sent["_REQUEST"]
    assert taken["COMMIT_SHA"] == FIRST.commit


def asked_permissions(google):
    """All that was asked of Google but the message that asked for the morning."""
    requests = [request for request in google.requests if "/pubsub/" not in request.path]
    return {permission(request.method, request.path) for request in requests}


def held_permissions(account):
    return {take for name, _, take in IN_THE_PROJECT if name == account}
