"""A morning of the monitor: the schedule's message, the recipe's own step, an event, its alert.

The step runs as Cloud Build runs it, in a checkout of these files with the tests' own stages.
"""

import shutil
import subprocess
import time
from dataclasses import replace

import pytest
from google.cloud.bigquery import SchemaField, Table

from infra.doctor.calls import IN_THE_PROJECT
from pipeline.gcp import clients
from pipeline.monitoring import columns
from pipeline.monitoring.log import profile_columns
from settings import REPOSITORY
from tests.pipeline.delivery.conftest import DEV, FIRST, add_delivery, builds, push_version
from tests.standins import local_bigquery
from tests.standins.alerts import raised
from tests.standins.cloud_build.recipes import Recipes
from tests.standins.google.permissions import permission
from tests.team import TEAM

PATIENCE_SECONDS = 300
NAMES = DEV.names
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
    google.on_build = recipes.run
    topic = google.add_topic(DEV.project_id, NAMES.topic("monitor"))
    google.add_trigger(
        DEV.project_id,
        DEV.region,
        NAMES.trigger("monitor"),
        serviceAccount=MONITOR,
        substitutions={"_STAGE": "dev", "_MODELS": "all", "_RETRAIN": "no"},
        pubsubConfig={"topic": topic},
        gitFileSource={"path": "build/monitor.yaml", "revision": "refs/heads/main"},
    )
    return recipes


@pytest.fixture
def morning(google, warm, recipes):
    """The build that the schedule's message has started, once it is over; cab is served."""
    deployed_model = push_version(warm, "1")
    add_delivery(warm, "cab", replace(FIRST, deployed_model=deployed_model))
    google.requests.clear()
    topic = f"projects/{DEV.project_id}/topics/{NAMES.topic('monitor')}"
    google.respond("POST", f"/pubsub/v1/{topic}:publish", b'{"messages": [{"data": "e30="}]}')
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        [build] = builds(google)
        if build["name"] in recipes.outcomes:
            return build
        assert time.monotonic() < deadline, build["status"]
        time.sleep(0.2)


def test_a_finding_is_told_by_its_alert_and_fails_no_build(google, recipes, morning):
    """No request was logged, and nothing but the monitor's account is needed to tell."""
    outcome = recipes.outcomes[morning["name"]]
    alerts = {entry["jsonPayload"]["event"]: raised(entry, "dev") for entry in google.entries}

    assert outcome.status == "SUCCESS", outcome.output[-2000:]
    assert "cab: version 1: no requests: " in outcome.output
    assert alerts == {"no_requests": ["dev: no requests logged"], "monitored": []}
    assert morning["serviceAccount"] == MONITOR
    assert asked_permissions(google) <= held_permissions("monitor")


def asked_permissions(google):
    """All that was asked of Google but the message that asked for the morning."""
    requests = [request for request in google.requests if "/pubsub/" not in request.path]
    return {permission(request.method, request.path) for request in requests}


def held_permissions(account):
    return {take for name, _, take in IN_THE_PROJECT if name == account}
