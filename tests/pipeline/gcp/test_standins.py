"""Google's own clients against the stand-in of its APIs.

The stand-in understands what they ask, and they understand what it answers.
"""

from collections.abc import Iterator

import pytest

from pipeline.gcp.clients import vertex
from tests.standins.google.apis import GoogleApis

PROJECT, REGION = "mill-dev", "us-central1"
PLACE = f"projects/{PROJECT}/locations/{REGION}"


@pytest.fixture
def google(monkeypatch) -> Iterator[GoogleApis]:
    with GoogleApis() as apis:
        for name, value in apis.environment().items():
            monkeypatch.setenv(name, value)
        yield apis


@pytest.fixture
def endpoint(google):
    """An endpoint with two versions of a model; the first takes all the traffic."""
    aiplatform = vertex(PROJECT, REGION)
    endpoint = aiplatform.Endpoint.create(display_name="dev-cab", endpoint_id="7")
    for number in (1, 2):
        parent = {"model_id": "cab"} if number == 1 else {"parent_model": f"{PLACE}/models/cab"}
        model = aiplatform.Model.upload(
            display_name="cab",
            artifact_uri=f"gs://b/{number}",
            serving_container_image_uri="i",
            **parent,
        )
        model.deploy(endpoint, traffic_percentage=0, machine_type="n1-standard-2")
    return aiplatform.Endpoint("7")


def versions(endpoint) -> dict[str, str]:
    return {m.model_version_id: m.id for m in endpoint.list_models()}


def test_vertex_moves_traffic_and_undeploys(endpoint):
    from google.api_core import exceptions

    ids = versions(endpoint)
    endpoint.update(traffic_split={ids["1"]: 90, ids["2"]: 10})
    assert dict(endpoint.traffic_split) == {ids["1"]: 90, ids["2"]: 10}
    with pytest.raises(exceptions.BadRequest):
        endpoint.update(traffic_split={ids["1"]: 90, ids["2"]: 20})

    endpoint.undeploy(ids["1"], traffic_split={ids["2"]: 100})

    assert versions(endpoint) == {"2": ids["2"]}
    assert [m.id for m in endpoint.gca_resource.deployed_models] == [ids["2"]]
    assert dict(endpoint.traffic_split) == {ids["2"]: 100}


def test_vertex_predicts(google, endpoint):
    from google.api_core import exceptions

    answer = endpoint.predict(instances=[{"a": 1}, {"a": 2}])
    assert answer.predictions == [0.5, 0.5]
    assert answer.deployed_model_id == versions(endpoint)["1"]
    assert answer.model_version_id == "1"

    google.answers["1"] = lambda _: (500, {"error": "boom"})
    with pytest.raises(exceptions.InternalServerError, match="boom"):
        endpoint.predict(instances=[{}])


def test_vertex_runs_lists_and_cancels_pipeline_jobs(google):
    from google.cloud.aiplatform_v1 import PipelineJob

    aiplatform = vertex(PROJECT, REGION)
    client, states = (
        aiplatform.PipelineJob._empty_constructor().api_client,
        aiplatform.gapic.PipelineState,
    )
    for number in (1, 2):
        job = PipelineJob(
            display_name="run",
            labels={"model": "cab"},
            runtime_config={"gcs_output_directory": "gs://b"},
        )
        client.create_pipeline_job(parent=PLACE, pipeline_job=job, pipeline_job_id=f"run-{number}")

    google.change("vertex_ai", f"{PLACE}/pipelineJobs/run-1", state="PIPELINE_STATE_SUCCEEDED")
    aiplatform.PipelineJob.get("run-2").cancel()

    jobs = aiplatform.PipelineJob.list(filter='labels.model="cab"', order_by="create_time desc")
    assert [(job.name, job.state) for job in jobs] == [
        ("run-2", states.PIPELINE_STATE_CANCELLED),
        ("run-1", states.PIPELINE_STATE_SUCCEEDED),
    ]


@pytest.fixture
def builds(google):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.devtools import cloudbuild_v1
    from google.cloud.devtools.cloudbuild_v1.services.cloud_build.transports import (
        CloudBuildRestTransport,
    )

    transport = CloudBuildRestTransport(
        host=f"{google.url}/cloud_build", url_scheme="http", credentials=AnonymousCredentials()
    )
    return cloudbuild_v1.CloudBuildClient(transport=transport)


@pytest.mark.parametrize(
    "ids", [{}, {"project_id": PROJECT}], ids=["by its name", "by its project too"]
)
def test_cloud_build_runs_a_trigger_and_finds_its_build(google, builds, ids):
    trigger_id = google.add_trigger(
        PROJECT,
        REGION,
        "train",
        substitutions={"_MODEL": ""},
        approvalConfig={"approvalRequired": True},
    )
    [trigger] = builds.list_build_triggers(request={"parent": PLACE, **ids})
    assert trigger.id == trigger_id
    assert trigger.name == "train"
    assert dict(trigger.substitutions) == {"_MODEL": ""}

    name = {"name": f"{PLACE}/triggers/{trigger_id}", "trigger_id": trigger_id, **ids}
    operation = builds.run_build_trigger(
        request={**name, "source": {"commit_sha": "c" * 40, "substitutions": {"_MODEL": "cab"}}}
    )

    build = operation.metadata.build
    assert build.status.name == "PENDING"
    assert build.substitutions["_MODEL"] == "cab"
    assert not operation.done()
    google.change("cloud_build", build.name, status="SUCCESS")
    assert operation.result(timeout=30).status.name == "SUCCESS"
    request = {"parent": PLACE, "filter": f'trigger_id="{trigger_id}"', "page_size": 1, **ids}
    assert [build.status.name for build in builds.list_builds(request=request)] == ["SUCCESS"]
    assert (
        builds.get_build(request={"name": build.name, "id": build.id, **ids}).build_trigger_id
        == trigger_id
    )


def test_an_authorized_session_writes_logs_and_reads_measurements(google):
    from google.auth.credentials import AnonymousCredentials
    from google.auth.transport.requests import AuthorizedSession

    http, errors = (
        AuthorizedSession(AnonymousCredentials()),
        "aiplatform.googleapis.com/prediction/online/error_count",
    )
    google.measure(errors, 3, deployed_model_id="1")

    entries = {
        "logName": f"projects/{PROJECT}/logs/l",
        "resource": {"type": "global"},
        "entries": [{"jsonPayload": {"a": 1}}],
    }
    http.post(f"{google.url}/logging/v2/entries:write", json=entries).raise_for_status()
    parameters = {"filter": f'metric.type="{errors}" AND metric.labels.deployed_model_id="1"'}
    interval = {
        "interval.startTime": "2026-01-01T00:00:00Z",
        "interval.endTime": "2026-01-01T00:05:00+00:00",
    }
    answer = http.get(
        f"{google.url}/monitoring/v3/projects/{PROJECT}/timeSeries",
        params={**parameters, **interval},
    )

    assert google.entries[0]["jsonPayload"] == {"a": 1}
    assert answer.json()["timeSeries"][0]["points"][0]["value"] == {"int64Value": "3"}
