"""The stand-in for Google's APIs: its store, and its refusals in the cloud's manner."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.standins.google.apis import GoogleApis

PROJECT = "projects/mill-dev"
PLACE = f"{PROJECT}/locations/us-central1"
ENDPOINT = f"vertex_ai/{PLACE}/endpoints/7"
PIPELINE = "pipeline@mill-dev.iam.gserviceaccount.com"


@pytest.fixture
def google() -> Iterator[GoogleApis]:
    with GoogleApis() as google:
        yield google


def ask(google: GoogleApis, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{google.url}/{path}", json.dumps(body or {}).encode(), method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["error"]["message"]


def made(google: GoogleApis, path: str, body: Any = None) -> Any:
    status, answer = ask(google, "POST", path, body)
    assert status == 200, answer
    return answer


def bind(google: GoogleApis, subject: str, member: str, **policy: Any) -> tuple[int, Any]:
    bindings = [{"role": "roles/viewer", "members": [member]}]
    return ask(
        google, "POST", f"{subject}:setIamPolicy", {"policy": {"bindings": bindings, **policy}}
    )


def make_account(google: GoogleApis) -> None:
    made(
        google,
        f"iam/v1/{PROJECT}/serviceAccounts",
        {"accountId": "pipeline", "serviceAccount": {"displayName": "runs"}},
    )


def test_every_endpoint_that_the_provider_knows_is_the_stand_in(google):
    environment = google.environment()

    assert environment.pop("GOOGLE_OAUTH_ACCESS_TOKEN")
    assert environment.pop("REGISTRY_EMULATOR_HOST") == f"{google.url}/registry"
    assert all(url.startswith(google.url) for url in environment.values())
    assert len(environment) == 160 + len(("CONTAINERAWS", "CONTAINERAZURE"))
    assert environment["GOOGLE_VERTEX_AI_CUSTOM_ENDPOINT"].endswith("/vertex_ai/")


def test_an_object_is_made_found_listed_changed_and_deleted(google):
    topic = f"pubsub/v1/{PROJECT}/topics/retrain"

    ask(google, "PUT", topic, {"labels": {"stage": "dev"}})
    ask(google, "PATCH", topic, {"topic": {"labels": {"stage": "prod"}}, "updateMask": "labels"})

    assert ask(google, "GET", topic)[1]["labels"] == {"stage": "prod"}
    assert [t["name"] for t in ask(google, "GET", f"pubsub/{PROJECT}/topics")[1]["topics"]] == [
        f"{PROJECT}/topics/retrain"
    ]
    assert ask(google, "DELETE", topic)[0] == 200
    assert ask(google, "GET", topic) == (404, f"{PROJECT}/topics/retrain was not found.")
    assert google.objects == {}


def test_a_second_object_of_the_same_name_is_refused(google):
    make_account(google)

    assert (
        ask(google, "POST", f"iam/{PROJECT}/serviceAccounts", {"accountId": "pipeline"})[0] == 409
    )
    assert [ask(google, "PUT", f"pubsub/{PROJECT}/topics/t")[0] for _ in range(2)] == [200, 409]


def test_a_field_of_the_mask_that_is_not_sent_is_removed(google):
    made(
        google,
        f"vertex_ai/{PLACE}/endpoints?endpointId=7",
        {"description": "d", "labels": {"a": "b"}},
    )

    ask(google, "PATCH", f"{ENDPOINT}?updateMask=description", {"displayName": "cab"})

    endpoint = google.objects["vertex_ai", f"{PLACE}/endpoints/7"]
    assert endpoint["displayName"] == "cab"
    assert endpoint["labels"] == {"a": "b"}
    assert "description" not in endpoint


def test_a_mask_may_be_written_with_underscores(google):
    make_account(google)

    ask(
        google,
        "PATCH",
        f"iam/{PROJECT}/serviceAccounts/{PIPELINE}",
        {"serviceAccount": {}, "updateMask": "display_name"},
    )

    assert "displayName" not in google.objects["iam", f"{PROJECT}/serviceAccounts/{PIPELINE}"]


def test_a_changed_trigger_is_replaced(google):
    trigger = made(
        google,
        f"cloud_build/{PLACE}/triggers",
        {"name": "image", "tags": ["a"], "substitutions": {"_A": "1"}},
    )

    changed = ask(
        google,
        "PATCH",
        f"cloud_build/{PLACE}/triggers/{trigger['id']}",
        {"name": "image", "substitutions": {"_B": "1"}},
    )[1]

    assert changed["id"] == trigger["id"]
    assert changed["substitutions"] == {"_B": "1"}
    assert "tags" not in changed


def test_an_operation_is_done_and_says_what_it_made(google):
    operation = made(google, f"vertex_ai/v1/{PLACE}/endpoints?endpointId=7", {"displayName": "cab"})

    assert operation["done"]
    assert (
        operation["response"]["@type"] == "type.googleapis.com/google.cloud.aiplatform.v1.Endpoint"
    )
    assert operation["response"]["name"] == f"{PLACE}/endpoints/7"
    assert ask(google, "GET", f"vertex_ai/{operation['name']}")[1]["done"]


def test_somebody_elses_change_is_seen(google):
    make_account(google)

    google.change("iam", f"{PROJECT}/serviceAccounts/{PIPELINE}", displayName="changed")

    assert (
        ask(google, "GET", f"iam/{PROJECT}/serviceAccounts/{PIPELINE}")[1]["displayName"]
        == "changed"
    )


@pytest.mark.parametrize(
    "subject", [f"resource_manager/v1/{PROJECT}", "cloud_billing/v1/billingAccounts/0"]
)
def test_a_policy_may_only_name_accounts_that_exist(google, subject):
    assert bind(google, subject, f"serviceAccount:{PIPELINE}") == (
        400,
        f"Service account {PIPELINE} does not exist.",
    )

    make_account(google)

    assert bind(google, subject, f"serviceAccount:{PIPELINE}")[0] == 200


@pytest.mark.parametrize(
    "agent",
    [
        "service-1@gcp-sa-aiplatform.iam.gserviceaccount.com",
        "service-1@compute-system.iam.gserviceaccount.com",
        "1@cloudservices.gserviceaccount.com",
    ],
)
def test_googles_own_agents_are_always_there(google, agent):
    assert bind(google, f"resource_manager/{PROJECT}", f"serviceAccount:{agent}")[0] == 200


def test_a_dataset_may_only_name_accounts_that_exist(google):
    reference = {
        "datasetReference": {"datasetId": "log"},
        "access": [{"role": "READER", "userByEmail": PIPELINE}],
    }

    assert ask(google, "POST", f"big_query/bigquery/v2/{PROJECT}/datasets", reference)[0] == 400


def test_the_policy_of_what_is_missing_is_missing(google):
    assert ask(google, "GET", f"iam/{PROJECT}/serviceAccounts/{PIPELINE}:getIamPolicy")[0] == 404
    assert ask(google, "GET", "storage/storage/v1/b/none/iam")[0] == 404


def test_a_policy_that_changed_meanwhile_is_not_overwritten(google):
    subject = f"resource_manager/{PROJECT}"
    etag = ask(google, "POST", f"{subject}:getIamPolicy")[1]["etag"]

    assert bind(google, subject, "group:a@example.org", etag=etag)[0] == 200
    assert bind(google, subject, "group:b@example.org", etag=etag)[0] == 409


def test_a_deleted_account_leaves_a_deleted_member(google):
    make_account(google)
    bind(google, f"resource_manager/{PROJECT}", f"serviceAccount:{PIPELINE}")

    ask(google, "DELETE", f"iam/{PROJECT}/serviceAccounts/{PIPELINE}")

    [binding] = google.policies["resource_manager", PROJECT]["bindings"]
    assert binding["members"][0].startswith(f"deleted:serviceAccount:{PIPELINE}?uid=")


def test_a_bucket_that_holds_something_stays(google):
    made(google, "storage/b", {"name": "runs"})
    google.add_object("runs", "cab/1/model")

    assert ask(google, "DELETE", "storage/b/runs") == (
        409,
        "The bucket you tried to delete is not empty.",
    )
    assert [o["name"] for o in ask(google, "GET", "storage/b/runs/o")[1]["items"]] == [
        "cab/1/model"
    ]
    assert ask(google, "DELETE", "storage/b/runs/o/cab%2F1%2Fmodel")[0] == 200
    assert ask(google, "DELETE", "storage/b/runs")[0] == 200


def test_a_dataset_with_tables_stays_unless_told(google):
    made(google, f"big_query/{PROJECT}/datasets", {"datasetReference": {"datasetId": "log"}})
    made(google, f"big_query/{PROJECT}/datasets/log/tables", {"tableReference": {"tableId": "cab"}})

    assert ask(google, "DELETE", f"big_query/{PROJECT}/datasets/log")[0] == 400
    assert ask(google, "DELETE", f"big_query/{PROJECT}/datasets/log?deleteContents=true")[0] == 200
    assert google.objects == {}


def test_the_first_deployed_model_takes_all_traffic_and_keeps_the_endpoint(google):
    made(google, f"vertex_ai/{PLACE}/endpoints?endpointId=7")
    model = made(google, f"vertex_ai/{PLACE}/models:upload", {"model": {"displayName": "cab"}})[
        "response"
    ]["model"]

    deployed = [
        made(google, f"{ENDPOINT}:deployModel", {"deployedModel": {"model": model}})["response"][
            "deployedModel"
        ]
        for _ in range(2)
    ]
    first, second = (each["id"] for each in deployed)

    assert google.objects["vertex_ai", f"{PLACE}/endpoints/7"]["trafficSplit"] == {first: 100}
    assert {each["modelVersionId"] for each in deployed} == {"1"}
    assert (
        ask(google, "POST", f"{ENDPOINT}:deployModel", {"deployedModel": {"model": f"{model}x"}})[0]
        == 404
    )
    assert ask(google, "DELETE", ENDPOINT)[0] == 400
    assert ask(google, "POST", f"{ENDPOINT}:undeployModel", {"deployedModelId": first})[0] == 400
    made(
        google,
        f"{ENDPOINT}:undeployModel",
        {"deployedModelId": first, "trafficSplit": {second: 100}},
    )
    last = made(google, f"{ENDPOINT}:undeployModel", {"deployedModelId": second})
    assert last["response"]["@type"].endswith("UndeployModelResponse")
    assert ask(google, "DELETE", ENDPOINT)[0] == 200


def test_a_model_uploaded_under_another_is_its_next_version(google):
    first = made(google, f"vertex_ai/{PLACE}/models:upload", {"model": {"displayName": "cab"}})[
        "response"
    ]
    second = made(
        google,
        f"vertex_ai/{PLACE}/models:upload",
        {"model": {"displayName": "cab"}, "parentModel": first["model"]},
    )["response"]

    assert second["model"] == first["model"]
    assert second["modelVersionId"] == "2"
    assert [
        ask(google, "GET", f"vertex_ai/{first['model']}{version}")[1]["versionId"]
        for version in ("@1", "@2", "")
    ] == ["1", "2", "2"]
    assert len(ask(google, "GET", f"vertex_ai/{first['model']}:listVersions")[1]["models"]) == 2


def test_a_connection_needs_its_token(google):
    made(google, f"secret_manager/{PROJECT}/secrets?secretId=token")
    connect = f"cloudbuildv2/{PLACE}/connections?connectionId=github"
    body = {
        "githubConfig": {
            "authorizerCredential": {
                "oauthTokenSecretVersion": f"{PROJECT}/secrets/token/versions/latest"
            }
        }
    }

    assert ask(google, "POST", connect, body)[0] == 400
    google.add_secret_version("mill-dev", "token")
    assert ask(google, "POST", connect, body)[0] == 200


def test_a_custom_role_is_soft_deleted_and_can_come_back(google):
    made(google, f"iam/{PROJECT}/roles", {"roleId": "planner", "role": {"title": "Planner"}})

    ask(google, "DELETE", f"iam/{PROJECT}/roles/planner")

    assert google.objects == {}
    assert ask(google, "GET", f"iam/{PROJECT}/roles/planner")[1]["deleted"]
    assert ask(google, "POST", f"iam/{PROJECT}/roles", {"roleId": "planner", "role": {}})[0] == 409
    made(google, f"iam/{PROJECT}/roles/planner:undelete")
    assert len(google.objects) == 1


def test_a_trigger_of_the_same_name_is_refused(google):
    made(google, f"cloud_build/{PLACE}/triggers", {"name": "image"})

    assert ask(google, "POST", f"cloud_build/{PLACE}/triggers", {"name": "image"})[0] == 409


@pytest.mark.parametrize(("slow", "statuses"), [(False, [404, 200, 200]), (True, [404, 404, 200])])
def test_alerting_must_know_a_log_metric(slow, statuses):
    policy = {
        "conditions": [
            {
                "conditionThreshold": {
                    "filter": 'metric.type="logging.googleapis.com/user/esteira/drift"'
                }
            }
        ]
    }
    with GoogleApis(slow_log_metrics=slow) as google:
        first_status = ask(google, "POST", f"monitoring/v3/{PROJECT}/alertPolicies", policy)[0]
        made(google, f"logging/v2/{PROJECT}/metrics", {"name": "esteira/drift"})
        later_statuses = [
            ask(google, "POST", f"monitoring/v3/{PROJECT}/alertPolicies", policy)[0]
            for _ in range(2)
        ]

    assert [first_status, *later_statuses] == statuses


def test_requests_are_kept_in_order(google):
    ask(google, "GET", "storage/b/none")

    assert google.requests == [("GET", "/storage/b/none", 404)]
