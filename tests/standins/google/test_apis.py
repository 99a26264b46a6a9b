"""The stand-in for Google's APIs: its store, and its refusals in the cloud's manner."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.standins.google import question
from tests.standins.google.apis import GoogleApis

PROJECT = "projects/mill-dev"
PLACE = f"{PROJECT}/locations/us-central1"
ENDPOINT = f"vertex_ai/{PLACE}/endpoints/7"
PIPELINE = "pipeline@mill-dev.iam.gserviceaccount.com"
ACCOUNTS = f"{PROJECT}/serviceAccounts"
ACCOUNT = f"{ACCOUNTS}/{PIPELINE}"


@pytest.fixture
def google() -> Iterator[GoogleApis]:
    with GoogleApis() as google:
        yield google


def ask(google: GoogleApis, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """The HTTP status and the body of the answer, or the sentence of a refusal."""
    status, answer = question.ask(google, method, path, body)
    if status >= 400:
        return status, answer["error"]["message"]
    return status, answer


def read(google: GoogleApis, path: str) -> Any:
    _, body = ask(google, "GET", path)
    return body


def make(google: GoogleApis, path: str, body: Any = None) -> Any:
    status, answer = ask(google, "POST", path, body)
    assert status == 200, answer
    return answer


def bind(google: GoogleApis, subject: str, member: str, **policy: Any) -> tuple[int, Any]:
    binding = {"role": "roles/viewer", "members": [member]}
    body = {"policy": {"bindings": [binding], **policy}}
    return ask(google, "POST", f"{subject}:setIamPolicy", body)


def make_account(google: GoogleApis) -> None:
    body = {"accountId": "pipeline", "serviceAccount": {"displayName": "runs"}}
    make(google, f"iam/v1/{ACCOUNTS}", body)


def upload_model(google: GoogleApis, **parent: str) -> Any:
    body = {"model": {"displayName": "cab"}, **parent}
    operation = make(google, f"vertex_ai/{PLACE}/models:upload", body)
    return operation["response"]


def deploy_model(google: GoogleApis, model: str) -> Any:
    operation = make(google, f"{ENDPOINT}:deployModel", {"deployedModel": {"model": model}})
    return operation["response"]["deployedModel"]


def test_every_endpoint_that_the_provider_knows_is_the_stand_in(google):
    environment = google.environment()

    assert environment.pop("GOOGLE_OAUTH_ACCESS_TOKEN")
    assert environment.pop("REGISTRY_EMULATOR_HOST") == f"{google.url}/registry"
    elsewhere = [url for url in environment.values() if not url.startswith(google.url)]
    assert elsewhere == []
    assert len(environment) == 160 + len(("CONTAINERAWS", "CONTAINERAZURE"))
    assert environment["GOOGLE_VERTEX_AI_CUSTOM_ENDPOINT"].endswith("/vertex_ai/")


def test_an_object_is_made_found_listed_changed_and_deleted(google):
    topic = f"pubsub/v1/{PROJECT}/topics/retrain"

    ask(google, "PUT", topic, {"labels": {"stage": "dev"}})
    ask(google, "PATCH", topic, {"topic": {"labels": {"stage": "prod"}}, "updateMask": "labels"})

    changed_topic = read(google, topic)
    assert changed_topic["labels"] == {"stage": "prod"}
    listing = read(google, f"pubsub/{PROJECT}/topics")
    names = [topic["name"] for topic in listing["topics"]]
    assert names == [f"{PROJECT}/topics/retrain"]
    deletion, _ = ask(google, "DELETE", topic)
    assert deletion == 200
    answer = ask(google, "GET", topic)
    assert answer == (404, f"{PROJECT}/topics/retrain was not found.")
    assert google.objects == {}


def test_a_second_object_of_the_same_name_is_refused(google):
    make_account(google)

    second_account, _ = ask(google, "POST", f"iam/{ACCOUNTS}", {"accountId": "pipeline"})
    first_topic, _ = ask(google, "PUT", f"pubsub/{PROJECT}/topics/t")
    second_topic, _ = ask(google, "PUT", f"pubsub/{PROJECT}/topics/t")

    assert second_account == 409
    assert first_topic == 200
    assert second_topic == 409


def test_a_field_of_the_mask_that_is_not_sent_is_removed(google):
    body = {"description": "d", "labels": {"a": "b"}}
    make(google, f"vertex_ai/{PLACE}/endpoints?endpointId=7", body)

    ask(google, "PATCH", f"{ENDPOINT}?updateMask=description", {"displayName": "cab"})

    endpoint = google.objects["vertex_ai", f"{PLACE}/endpoints/7"]
    assert endpoint["displayName"] == "cab"
    assert endpoint["labels"] == {"a": "b"}
    assert "description" not in endpoint


def test_a_mask_may_be_written_with_underscores(google):
    make_account(google)

    body = {"serviceAccount": {}, "updateMask": "display_name"}
    ask(google, "PATCH", f"iam/{ACCOUNT}", body)

    account = google.objects["iam", ACCOUNT]
    assert "displayName" not in account


def test_a_changed_trigger_is_replaced(google):
    triggers = f"cloud_build/{PLACE}/triggers"
    body = {"name": "image", "tags": ["a"], "substitutions": {"_A": "1"}}
    trigger = make(google, triggers, body)

    new_body = {"name": "image", "substitutions": {"_B": "1"}}
    _, changed_trigger = ask(google, "PATCH", f"{triggers}/{trigger['id']}", new_body)

    assert changed_trigger["id"] == trigger["id"]
    assert changed_trigger["substitutions"] == {"_B": "1"}
    assert "tags" not in changed_trigger


def test_an_operation_is_done_and_says_what_it_made(google):
    operation = make(google, f"vertex_ai/v1/{PLACE}/endpoints?endpointId=7", {"displayName": "cab"})

    assert operation["done"]
    response = operation["response"]
    assert response["@type"] == "type.googleapis.com/google.cloud.aiplatform.v1.Endpoint"
    assert response["name"] == f"{PLACE}/endpoints/7"
    same_operation = read(google, f"vertex_ai/{operation['name']}")
    assert same_operation["done"]


def test_somebody_elses_change_is_seen(google):
    make_account(google)

    google.change("iam", ACCOUNT, displayName="changed")

    account = read(google, f"iam/{ACCOUNT}")
    assert account["displayName"] == "changed"


@pytest.mark.parametrize(
    "subject", [f"resource_manager/v1/{PROJECT}", "cloud_billing/v1/billingAccounts/0"]
)
def test_a_policy_may_only_name_accounts_that_exist(google, subject):
    refusal = bind(google, subject, f"serviceAccount:{PIPELINE}")
    assert refusal == (400, f"Service account {PIPELINE} does not exist.")

    make_account(google)

    status, _ = bind(google, subject, f"serviceAccount:{PIPELINE}")
    assert status == 200


@pytest.mark.parametrize(
    "agent",
    [
        "service-1@gcp-sa-aiplatform.iam.gserviceaccount.com",
        "service-1@compute-system.iam.gserviceaccount.com",
        "1@cloudservices.gserviceaccount.com",
    ],
)
def test_googles_own_agents_are_always_there(google, agent):
    status, _ = bind(google, f"resource_manager/{PROJECT}", f"serviceAccount:{agent}")

    assert status == 200


def test_a_dataset_may_only_name_accounts_that_exist(google):
    dataset = {
        "datasetReference": {"datasetId": "log"},
        "access": [{"role": "READER", "userByEmail": PIPELINE}],
    }

    status, _ = ask(google, "POST", f"big_query/bigquery/v2/{PROJECT}/datasets", dataset)

    assert status == 400


def test_the_policy_of_what_is_missing_is_missing(google):
    account_policy, _ = ask(google, "GET", f"iam/{ACCOUNT}:getIamPolicy")
    bucket_policy, _ = ask(google, "GET", "storage/storage/v1/b/none/iam")

    assert account_policy == 404
    assert bucket_policy == 404


def test_a_policy_that_changed_meanwhile_is_not_overwritten(google):
    subject = f"resource_manager/{PROJECT}"
    policy = make(google, f"{subject}:getIamPolicy")
    etag = policy["etag"]

    first, _ = bind(google, subject, "group:a@example.org", etag=etag)
    second, _ = bind(google, subject, "group:b@example.org", etag=etag)

    assert first == 200
    assert second == 409


def test_a_deleted_account_leaves_a_deleted_member(google):
    make_account(google)
    bind(google, f"resource_manager/{PROJECT}", f"serviceAccount:{PIPELINE}")

    ask(google, "DELETE", f"iam/{ACCOUNT}")

    policy = google.policies["resource_manager", PROJECT]
    [binding] = policy["bindings"]
    assert binding["members"][0].startswith(f"deleted:serviceAccount:{PIPELINE}?uid=")


def test_a_bucket_that_holds_something_stays(google):
    make(google, "storage/b", {"name": "runs"})
    google.add_object("runs", "cab/1/model")

    refusal = ask(google, "DELETE", "storage/b/runs")
    assert refusal == (409, "The bucket you tried to delete is not empty.")
    listing = read(google, "storage/b/runs/o")
    names = [item["name"] for item in listing["items"]]
    assert names == ["cab/1/model"]
    object_deletion, _ = ask(google, "DELETE", "storage/b/runs/o/cab%2F1%2Fmodel")
    assert object_deletion == 200
    bucket_deletion, _ = ask(google, "DELETE", "storage/b/runs")
    assert bucket_deletion == 200


def test_a_dataset_with_tables_stays_unless_told(google):
    dataset = f"big_query/{PROJECT}/datasets/log"
    make(google, f"big_query/{PROJECT}/datasets", {"datasetReference": {"datasetId": "log"}})
    make(google, f"{dataset}/tables", {"tableReference": {"tableId": "cab"}})

    deletion, _ = ask(google, "DELETE", dataset)
    forced_deletion, _ = ask(google, "DELETE", f"{dataset}?deleteContents=true")

    assert deletion == 400
    assert forced_deletion == 200
    assert google.objects == {}


def test_the_first_deployed_model_takes_all_traffic_and_keeps_the_endpoint(google):
    make(google, f"vertex_ai/{PLACE}/endpoints?endpointId=7")
    model = upload_model(google)["model"]

    first = deploy_model(google, model)
    second = deploy_model(google, model)

    endpoint = google.objects["vertex_ai", f"{PLACE}/endpoints/7"]
    assert endpoint["trafficSplit"] == {first["id"]: 100}
    assert first["modelVersionId"] == "1"
    assert second["modelVersionId"] == "1"
    unknown_model = {"deployedModel": {"model": f"{model}x"}}
    unknown_deployment, _ = ask(google, "POST", f"{ENDPOINT}:deployModel", unknown_model)
    assert unknown_deployment == 404
    early_deletion, _ = ask(google, "DELETE", ENDPOINT)
    assert early_deletion == 400
    undeployment = {"deployedModelId": first["id"]}
    early_undeployment, _ = ask(google, "POST", f"{ENDPOINT}:undeployModel", undeployment)
    assert early_undeployment == 400
    undeployment["trafficSplit"] = {second["id"]: 100}
    make(google, f"{ENDPOINT}:undeployModel", undeployment)
    last = make(google, f"{ENDPOINT}:undeployModel", {"deployedModelId": second["id"]})
    assert last["response"]["@type"].endswith("UndeployModelResponse")
    deletion, _ = ask(google, "DELETE", ENDPOINT)
    assert deletion == 200


def test_a_model_uploaded_under_another_is_its_next_version(google):
    first = upload_model(google)
    model = first["model"]

    second = upload_model(google, parentModel=model)

    assert second["model"] == model
    assert second["modelVersionId"] == "2"
    first_version = read(google, f"vertex_ai/{model}@1")
    assert first_version["versionId"] == "1"
    second_version = read(google, f"vertex_ai/{model}@2")
    assert second_version["versionId"] == "2"
    default_version = read(google, f"vertex_ai/{model}")
    assert default_version["versionId"] == "2"
    listing = read(google, f"vertex_ai/{model}:listVersions")
    assert len(listing["models"]) == 2


def test_a_connection_needs_its_token(google):
    make(google, f"secret_manager/{PROJECT}/secrets?secretId=token")
    connect = f"cloudbuildv2/{PLACE}/connections?connectionId=github"
    body = {
        "githubConfig": {
            "authorizerCredential": {
                "oauthTokenSecretVersion": f"{PROJECT}/secrets/token/versions/latest"
            }
        }
    }

    early_status, _ = ask(google, "POST", connect, body)
    assert early_status == 400
    google.add_secret_version("mill-dev", "token")
    status, _ = ask(google, "POST", connect, body)
    assert status == 200


def test_a_custom_role_is_soft_deleted_and_can_come_back(google):
    roles = f"iam/{PROJECT}/roles"
    make(google, roles, {"roleId": "planner", "role": {"title": "Planner"}})

    ask(google, "DELETE", f"{roles}/planner")

    assert google.objects == {}
    role = read(google, f"{roles}/planner")
    assert role["deleted"]
    status, _ = ask(google, "POST", roles, {"roleId": "planner", "role": {}})
    assert status == 409
    make(google, f"{roles}/planner:undelete")
    assert len(google.objects) == 1


def test_a_trigger_of_the_same_name_is_refused(google):
    make(google, f"cloud_build/{PLACE}/triggers", {"name": "image"})

    status, _ = ask(google, "POST", f"cloud_build/{PLACE}/triggers", {"name": "image"})

    assert status == 409


@pytest.mark.parametrize(("slow", "statuses"), [(False, [404, 200, 200]), (True, [404, 404, 200])])
def test_alerting_must_know_a_log_metric(slow, statuses):
    metric_filter = 'metric.type="logging.googleapis.com/user/esteira/drift"'
    policy = {"conditions": [{"conditionThreshold": {"filter": metric_filter}}]}
    policies = f"monitoring/v3/{PROJECT}/alertPolicies"

    with GoogleApis(slow_log_metrics=slow) as google:
        first_status, _ = ask(google, "POST", policies, policy)
        make(google, f"logging/v2/{PROJECT}/metrics", {"name": "esteira/drift"})
        second_status, _ = ask(google, "POST", policies, policy)
        third_status, _ = ask(google, "POST", policies, policy)

    assert [first_status, second_status, third_status] == statuses


def test_requests_are_kept_in_order(google):
    ask(google, "GET", "storage/b/none")

    assert google.requests == [("GET", "/storage/b/none", 404)]
