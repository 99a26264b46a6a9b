"""Vertex in the stand-in: pipeline jobs, and an endpoint with a traffic split."""

import queue
from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.standins.google.apis import GoogleApis
from tests.standins.google.question import ask

PLACE = "projects/p/locations/us-central1"
JOBS = f"vertex_ai/v1/{PLACE}/pipelineJobs"
ENDPOINT = f"vertex_ai/v1/{PLACE}/endpoints/7"


@pytest.fixture
def google() -> Iterator[GoogleApis]:
    with GoogleApis() as google:
        yield google


@pytest.fixture
def heard() -> queue.Queue[dict]:
    """The queue filled by a hook."""
    return queue.Queue()


def deploy(google: GoogleApis, versions: int, split: dict[str, int]) -> dict[str, str]:
    """An endpoint with versions of one model, and the deployed models' ids by version.

    `split` is percent by version.
    """
    ask(google, "POST", f"vertex_ai/v1/{PLACE}/endpoints?endpointId=7", {"displayName": "cab"})
    parent = {"modelId": "cab"}
    ids = {}
    for number in range(1, versions + 1):
        body = {"model": {"displayName": "cab"}, **parent}
        ask(google, "POST", f"vertex_ai/v1/{PLACE}/models:upload", body)
        ids[str(number)] = deploy_version(google, number)
        parent = {"parentModel": f"{PLACE}/models/cab"}
    status, _ = share_traffic(google, ids, split)
    assert status == 200
    return ids


def deploy_version(google: GoogleApis, number: int) -> str:
    """The id of the new deployed model."""
    body = {"deployedModel": {"model": f"{PLACE}/models/cab@{number}"}}
    _, operation = ask(google, "POST", f"{ENDPOINT}:deployModel", body)
    return operation["response"]["deployedModel"]["id"]


def share_traffic(
    google: GoogleApis, ids: dict[str, str], split: dict[str, int]
) -> tuple[int, dict]:
    shares = {ids[version]: share for version, share in split.items()}
    return ask(google, "PATCH", f"{ENDPOINT}?updateMask=trafficSplit", {"trafficSplit": shares})


def predict(google: GoogleApis, *instances: object, **parameters: str) -> tuple[int, dict]:
    return ask(google, "POST", f"{ENDPOINT}:predict", {"instances": instances, **parameters})


def test_a_pipeline_job_is_pending_and_has_its_id_once(google):
    status, job = ask(google, "POST", f"{JOBS}?pipelineJobId=run-1", {"displayName": "run"})

    assert status == 200
    assert job["name"] == f"{PLACE}/pipelineJobs/run-1"
    assert job["state"] == "PIPELINE_STATE_PENDING"
    assert job["createTime"]
    assert "done" not in job
    second_status, _ = ask(google, "POST", f"{JOBS}?pipelineJobId=run-1")
    assert second_status == 409


@pytest.mark.parametrize(
    ("run", "labels"),
    [("Run_1", {}), ("r" * 128, {}), ("run-1", {"model": "Cab"}), ("run-1", {"commit": "a" * 65})],
)
def test_a_job_is_refused_with_an_id_or_a_label_that_google_refuses(google, run, labels):
    status, _ = ask(google, "POST", f"{JOBS}?pipelineJobId={run}", {"labels": labels})

    assert status == 400


def test_a_hook_hears_of_a_job_and_may_move_it_on(google, heard):
    def run(job: dict) -> None:
        google.change(
            "vertex_ai",
            job["name"],
            state="PIPELINE_STATE_SUCCEEDED",
            endTime="2026-01-01T00:00:00Z",
        )
        heard.put(job)

    google.on_pipeline_job = run
    _, new_job = ask(google, "POST", f"{JOBS}?pipelineJobId=run-1")

    job = heard.get(timeout=5)
    assert new_job["state"] == "PIPELINE_STATE_PENDING"
    assert job["state"] == "PIPELINE_STATE_PENDING"
    _, ended_job = ask(google, "GET", f"{JOBS}/run-1")
    assert ended_job["state"] == "PIPELINE_STATE_SUCCEEDED"


def test_a_hook_gets_its_own_copy(google, heard):
    google.on_pipeline_job = lambda job: heard.put(job["labels"].clear())

    ask(google, "POST", f"{JOBS}?pipelineJobId=run-1", {"labels": {"model": "cab"}})

    heard.get(timeout=5)
    job = google.objects["vertex_ai", f"{PLACE}/pipelineJobs/run-1"]
    assert job["labels"] == {"model": "cab"}


def test_a_refused_job_is_told_to_nobody(google, heard):
    google.on_pipeline_job = heard.put

    for _ in range(2):
        ask(google, "POST", f"{JOBS}?pipelineJobId=run-1")

    heard.get(timeout=5)
    with pytest.raises(queue.Empty):
        heard.get(timeout=0.1)


def test_jobs_are_listed_by_their_labels_newest_first_and_in_pages(google):
    for number, model in enumerate(("cab", "ferry", "cab", "cab")):
        body = {"labels": {"model": model, "stage": "dev"}}
        ask(google, "POST", f"{JOBS}?pipelineJobId=run-{number}", body)
    labels = quote('labels.model="cab" AND labels.stage="dev"')
    request = f"{JOBS}?filter={labels}&orderBy=create_time%20desc&pageSize=2"

    _, first = ask(google, "GET", request)
    _, second = ask(google, "GET", f"{request}&pageToken={first['nextPageToken']}")

    jobs = first["pipelineJobs"] + second["pipelineJobs"]
    names = [job["name"].removeprefix(f"{PLACE}/pipelineJobs/") for job in jobs]
    assert names == ["run-3", "run-2", "run-0"]
    assert "nextPageToken" not in second


def test_jobs_are_ordered_by_their_creation(google):
    for number in range(3):
        ask(google, "POST", f"{JOBS}?pipelineJobId=run-{number}")
    google.change("vertex_ai", f"{PLACE}/pipelineJobs/run-1", createTime="2020-01-01T00:00:00Z")

    _, ascending = ask(google, "GET", f"{JOBS}?orderBy=create_time")
    _, descending = ask(google, "GET", f"{JOBS}?orderBy=create_time%20desc")

    oldest_first = [job["name"][-1] for job in ascending["pipelineJobs"]]
    assert oldest_first == ["1", "0", "2"]
    newest_first = [job["name"][-1] for job in descending["pipelineJobs"]]
    assert newest_first == ["2", "0", "1"]


def test_jobs_come_newest_first_by_themselves(google):
    for number in range(2):
        ask(google, "POST", f"{JOBS}?pipelineJobId=run-{number}")

    _, listing = ask(google, "GET", JOBS)

    newest_first = [job["name"][-1] for job in listing["pipelineJobs"]]
    assert newest_first == ["1", "0"]


def test_a_listed_job_lacks_the_details_of_its_tasks(google):
    ask(google, "POST", f"{JOBS}?pipelineJobId=run-1")
    google.change("vertex_ai", f"{PLACE}/pipelineJobs/run-1", jobDetail={"taskDetails": []})

    _, listing = ask(google, "GET", JOBS)
    _, job = ask(google, "GET", f"{JOBS}/run-1")

    [listed_job] = listing["pipelineJobs"]
    assert "jobDetail" not in listed_job
    assert "jobDetail" in job


@pytest.mark.parametrize(
    "query",
    [
        'filter=template_uri="X"',
        'filter=NOT labels.a="b"',
        'filter=labels.a="b" labels.c="d"',
        "filter=create_time>=2026",
        "filter=labels.a:*",
        "orderBy=name",
    ],
)
def test_what_a_listing_of_jobs_does_not_know_is_refused(google, query):
    name, _, value = query.partition("=")

    status, _ = ask(google, "GET", f"{JOBS}?{name}={quote(value)}")

    assert status == 400


def test_a_job_is_cancelled_until_it_has_ended(google):
    ask(google, "POST", f"{JOBS}?pipelineJobId=run-1")

    cancellation = ask(google, "POST", f"{JOBS}/run-1:cancel")
    assert cancellation == (200, {})
    _, job = ask(google, "GET", f"{JOBS}/run-1")
    assert job["state"] == "PIPELINE_STATE_CANCELLED"
    _, refusal = ask(google, "POST", f"{JOBS}/run-1:cancel")
    assert refusal["error"]["status"] == "FAILED_PRECONDITION"


def test_each_hundred_predictions_follow_the_traffic_split_exactly(google):
    ids = deploy(google, 3, {"1": 85, "2": 10, "3": 5})
    first_id, second_id, third_id = ids.values()

    answers = []
    for _ in range(200):
        _, answer = predict(google, {}, {})
        answers.append(answer)

    first_models = Counter(answer["deployedModelId"] for answer in answers[:100])
    assert first_models == {first_id: 85, second_id: 10, third_id: 5}
    later_versions = Counter(answer["modelVersionId"] for answer in answers[100:])
    assert later_versions == {"1": 85, "2": 10, "3": 5}
    assert answers[0] == {
        "predictions": [0.5, 0.5],
        "deployedModelId": first_id,
        "model": f"{PLACE}/models/cab",
        "modelDisplayName": "cab",
        "modelVersionId": "1",
    }


def test_a_planted_version_answers_as_it_was_told(google):
    ids = deploy(google, 2, {"1": 50, "2": 50})
    google.answers["1"] = lambda asked: (200, {"predictions": [None for _ in asked["instances"]]})
    google.answers[ids["2"]] = lambda asked: (500, {"error": f"no {asked['parameters']}"})

    answers = dict(predict(google, 1, parameters="x") for _ in range(2))

    assert answers[200]["predictions"] == [None]
    assert answers[500]["error"] == {
        "code": 500,
        "message": '{"error": "no x"}',
        "status": "INTERNAL",
    }


def test_a_deployed_model_may_ask_the_cloud_before_it_answers(google):
    ids = deploy(google, 1, {"1": 100})
    google.answers[ids["1"]] = lambda _: (200, {"predictions": [len(google.objects)]})

    _, answer = predict(google, 1)

    assert answer["predictions"] == [len(google.objects)]


def test_nothing_predicts_without_an_endpoint_and_a_model(google):
    _, missing = predict(google)
    ask(google, "POST", f"vertex_ai/v1/{PLACE}/endpoints?endpointId=7")
    _, empty = predict(google)

    assert missing["error"]["code"] == 404
    assert empty["error"]["code"] == 400
    assert empty["error"]["status"] == "FAILED_PRECONDITION"


@pytest.mark.parametrize("split", [{"1": 99}, {"1": 50, "2": 51}, {"1": 100, "9": 0}, {}])
def test_traffic_that_is_not_whole_or_goes_nowhere_is_refused_and_nothing_changes(google, split):
    ids = deploy(google, 2, {"1": 100}) | {"9": "9"}
    first_objects = google.objects

    status, _ = share_traffic(google, ids, split)

    assert status == 400
    assert google.objects == first_objects


def test_changed_traffic_is_answered_as_the_endpoint_itself_and_as_done(google):
    ids = deploy(google, 2, {"1": 100})

    _, endpoint = share_traffic(google, ids, {"2": 100})

    assert endpoint["name"] == f"{PLACE}/endpoints/7"
    assert endpoint["trafficSplit"] == {ids["2"]: 100}
    assert endpoint["done"] is True


def test_a_changed_model_is_answered_as_itself(google):
    deploy(google, 1, {"1": 100})

    path = f"vertex_ai/v1/{PLACE}/models/cab?updateMask=labels"
    _, model = ask(google, "PATCH", path, {"labels": {"a": "b"}})

    assert model["name"] == f"{PLACE}/models/cab"
    assert model["labels"] == {"a": "b"}


@pytest.mark.parametrize(
    ("name", "field", "status"),
    [
        ("cab@1", "versionDescription", 200),
        ("cab", "versionDescription", 400),
        ("cab@1", "description", 400),
        ("cab", "description", 200),
    ],
)
def test_a_version_s_fields_are_changed_on_the_version(google, name, field, status):
    deploy(google, 1, {"1": 100})

    path = f"vertex_ai/v1/{PLACE}/models/{name}?updateMask={field}"
    answered_status, _ = ask(google, "PATCH", path, {field: "text"})

    assert answered_status == status


def test_what_is_not_deployed_cannot_be_undeployed(google):
    deploy(google, 1, {"1": 100})

    status, _ = ask(google, "POST", f"{ENDPOINT}:undeployModel", {"deployedModelId": "9"})

    assert status == 404


DIGEST = {"name": "ESTEIRA_MODEL_DIGEST", "value": "a" * 64}


@pytest.mark.parametrize(
    ("variable", "status"),
    [
        (DIGEST, 200),
        ({"name": "AIP_STORAGE_URI", "value": "gs://b/m"}, 400),
        ({"name": "MODEL-DIGEST", "value": "a" * 64}, 400),
        ({"name": "ESTEIRA_MODEL_DIGEST"}, 400),
    ],
)
def test_a_server_s_variable_has_a_name_of_its_own_and_a_value(google, variable, status):
    model = {"displayName": "cab", "containerSpec": {"imageUri": "i", "env": [variable]}}

    answered_status, _ = ask(
        google, "POST", f"vertex_ai/v1/{PLACE}/models:upload", {"model": model, "modelId": "cab"}
    )

    assert answered_status == status


def test_a_version_s_variables_are_kept_and_never_changed(google):
    model = {"displayName": "cab", "containerSpec": {"imageUri": "i", "env": [DIGEST]}}
    body = {"model": model, "modelId": "cab"}
    ask(google, "POST", f"vertex_ai/v1/{PLACE}/models:upload", body)
    path = f"vertex_ai/v1/{PLACE}/models/cab@1"

    status, _ = ask(google, "PATCH", f"{path}?updateMask=containerSpec", {"containerSpec": {}})

    _, version = ask(google, "GET", path)
    assert status == 400
    assert version["containerSpec"]["env"] == [DIGEST]


@pytest.mark.parametrize(("value", "status"), [("a" * 64, 200), ("a" * 65, 400), ("sha256:a", 400)])
def test_a_label_of_a_model_has_at_most_64_characters(google, value, status):
    model = {"displayName": "cab", "labels": {"digest": value}}

    answered_status, _ = ask(
        google, "POST", f"vertex_ai/v1/{PLACE}/models:upload", {"model": model, "modelId": "cab"}
    )

    assert answered_status == status
