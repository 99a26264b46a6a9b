"""Google's own clients against the stand-in of its APIs.

The stand-in understands what they ask, and they understand what it answers.
"""

import pytest

from pipeline.gcp.clients import vertex
from tests.standins.google.question import ask

PROJECT, REGION = "mill-dev", "us-central1"
PLACE = f"projects/{PROJECT}/locations/{REGION}"


@pytest.fixture
def endpoint(google):
    """An endpoint with two versions of a model; the first takes all the traffic."""
    aiplatform = vertex(PROJECT, REGION)
    endpoint = aiplatform.Endpoint.create(display_name="dev-cab", endpoint_id="7")
    parents = {1: {"model_id": "cab"}, 2: {"parent_model": f"{PLACE}/models/cab"}}
    for number, parent in parents.items():
        model = aiplatform.Model.upload(
            display_name="cab",
            artifact_uri=f"gs://b/{number}",
            serving_container_image_uri="i",
            **parent,
        )
        model.deploy(endpoint, traffic_percentage=0, machine_type="n1-standard-2")
    return aiplatform.Endpoint("7")


def versions(endpoint) -> dict[str, str]:
    """The id of each deployed model, by its version."""
    models = endpoint.list_models()
    return {model.model_version_id: model.id for model in models}


def test_vertex_moves_traffic_and_undeploys(endpoint):
    from google.api_core import exceptions

    ids = versions(endpoint)
    first_id, second_id = ids["1"], ids["2"]

    endpoint.update(traffic_split={first_id: 90, second_id: 10})

    assert dict(endpoint.traffic_split) == {first_id: 90, second_id: 10}

    with pytest.raises(exceptions.BadRequest):
        endpoint.update(traffic_split={first_id: 90, second_id: 20})

    endpoint.undeploy(first_id, traffic_split={second_id: 100})

    [deployed_model] = endpoint.gca_resource.deployed_models
    assert versions(endpoint) == {"2": second_id}
    assert deployed_model.id == second_id
    assert dict(endpoint.traffic_split) == {second_id: 100}


def test_vertex_predicts(google, endpoint):
    from google.api_core import exceptions

    ids = versions(endpoint)

    answer = endpoint.predict(instances=[{"a": 1}, {"a": 2}])

    assert answer.predictions == [0.5, 0.5]
    assert answer.deployed_model_id == ids["1"]
    assert answer.model_version_id == "1"

    google.answers["1"] = lambda _: (500, {"error": "boom"})
    with pytest.raises(exceptions.InternalServerError, match="boom"):
        endpoint.predict(instances=[{}])


def test_vertex_runs_lists_and_cancels_pipeline_jobs(google):
    from google.cloud.aiplatform_v1 import PipelineJob

    aiplatform = vertex(PROJECT, REGION)
    states = aiplatform.gapic.PipelineState
    client = aiplatform.PipelineJob._empty_constructor().api_client
    for number in (1, 2):
        job = PipelineJob(
            display_name="run",
            labels={"model": "cab"},
            runtime_config={"gcs_output_directory": "gs://b"},
        )
        client.create_pipeline_job(parent=PLACE, pipeline_job=job, pipeline_job_id=f"run-{number}")

    google.change("vertex_ai", f"{PLACE}/pipelineJobs/run-1", state="PIPELINE_STATE_SUCCEEDED")
    second_job = aiplatform.PipelineJob.get("run-2")
    second_job.cancel()

    jobs = aiplatform.PipelineJob.list(filter='labels.model="cab"', order_by="create_time desc")
    cancelled_job, succeeded_job = jobs
    assert cancelled_job.name == "run-2"
    assert cancelled_job.state == states.PIPELINE_STATE_CANCELLED
    assert succeeded_job.name == "run-1"
    assert succeeded_job.state == states.PIPELINE_STATE_SUCCEEDED


@pytest.fixture
def builds(google):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.devtools import cloudbuild_v1
    from google.cloud.devtools.cloudbuild_v1.services.cloud_build.transports import (
        CloudBuildRestTransport,
    )

    host, credentials = f"{google.url}/cloud_build", AnonymousCredentials()
    transport = CloudBuildRestTransport(host=host, url_scheme="http", credentials=credentials)
    return cloudbuild_v1.CloudBuildClient(transport=transport)


@pytest.mark.parametrize(
    "ids", [{}, {"project_id": PROJECT}], ids=["by its name", "by its project too"]
)
def test_cloud_build_finds_a_trigger_and_its_build(google, builds, ids):
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

    source = {"commitSha": "c" * 40, "substitutions": {"_MODEL": "cab"}}
    body = {"projectId": PROJECT, "triggerId": trigger_id, "source": source}
    path = f"cloud_build/v1/{PLACE}/triggers/{trigger_id}:run"
    status, operation = ask(google, "POST", path, body)
    assert status == 200
    started_build = operation["metadata"]["build"]

    names = {"name": started_build["name"], "id": started_build["id"], **ids}
    build = builds.get_build(request=names)
    request = {"parent": PLACE, "filter": f'trigger_id="{trigger_id}"', "page_size": 1, **ids}
    listed_builds = list(builds.list_builds(request=request))
    assert build.status.name == "PENDING"
    assert build.substitutions["_MODEL"] == "cab"
    assert build.build_trigger_id == trigger_id
    assert listed_builds == [build]


@pytest.mark.parametrize(
    ("ids", "status"), [({}, 400), ({"project_id": PROJECT}, 404)], ids=["its name", "its project"]
)
def test_cloud_build_s_client_can_t_run_a_regional_trigger_over_rest(google, builds, ids, status):
    """It sends the region without the required project, or the project to the global path."""
    from google.api_core import exceptions

    trigger_id = google.add_trigger(PROJECT, REGION, "train")
    name = {"name": f"{PLACE}/triggers/{trigger_id}", "trigger_id": trigger_id, **ids}

    with pytest.raises(exceptions.GoogleAPICallError) as refusal:
        builds.run_build_trigger(request={**name, "source": {"commit_sha": "c" * 40}})

    assert refusal.value.code == status


def test_an_authorized_session_writes_logs_and_reads_measurements(google):
    from google.auth.credentials import AnonymousCredentials
    from google.auth.transport.requests import AuthorizedSession

    credentials = AnonymousCredentials()
    http = AuthorizedSession(credentials)
    errors = "aiplatform.googleapis.com/prediction/online/error_count"
    google.measure(errors, 3, deployed_model_id="1")

    entries = {
        "logName": f"projects/{PROJECT}/logs/l",
        "resource": {"type": "global"},
        "entries": [{"jsonPayload": {"a": 1}}],
    }
    acknowledgement = http.post(f"{google.url}/logging/v2/entries:write", json=entries)
    acknowledgement.raise_for_status()
    parameters = {"filter": f'metric.type="{errors}" AND metric.labels.deployed_model_id="1"'}
    interval = {
        "interval.startTime": "2026-01-01T00:00:00Z",
        "interval.endTime": "2026-01-01T00:05:00+00:00",
    }
    answer = http.get(
        f"{google.url}/monitoring/v3/projects/{PROJECT}/timeSeries",
        params={**parameters, **interval},
    )

    entry, *_ = google.entries
    series, *_ = answer.json()["timeSeries"]
    point, *_ = series["points"]
    assert entry["jsonPayload"] == {"a": 1}
    assert point["value"] == {"int64Value": "3"}
