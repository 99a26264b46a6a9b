"""Vertex ML Metadata in the stand-in: what it answers, and what it refuses as documented.

cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.metadataStores
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.standins.google.apis import GoogleApis
from tests.standins.google.question import ask

Json = dict[str, Any]
PLACE = "projects/p/locations/us-central1"
NAMES = "projects/7/locations/us-central1/metadataStores/default"
STORE = f"vertex_ai/v1/{PLACE}/metadataStores/default"
SPEC = {
    "pipelineInfo": {"name": "cab"},
    "root": {"dag": {"tasks": {"Trainer": {"componentRef": {"name": "trainer"}}}}},
    "components": {"trainer": {"executorLabel": "run"}},
    "deploymentSpec": {"executors": {"run": {"container": {}}}},
}


@pytest.fixture
def google() -> Iterator[GoogleApis]:
    with GoogleApis(project_numbers={"p": "7"}) as google:
        yield google


@pytest.fixture
def run(google) -> Json:
    """The details of the tasks of a job with one task, as the API tells them."""
    tell(google, "run-1", [trainer("model")])
    _, job = ask(google, "GET", f"vertex_ai/v1/{PLACE}/pipelineJobs/run-1")
    return job["jobDetail"]


def tell(google: GoogleApis, run: str, details: list[Json]) -> None:
    path = f"vertex_ai/v1/{PLACE}/pipelineJobs?pipelineJobId={run}"
    _, job = ask(google, "POST", path, {"pipelineSpec": SPEC})
    google.tell_tasks(job["name"], details)


def trainer(*models: str, state: str = "SUCCEEDED", **metadata: Any) -> Json:
    artifacts = [
        {
            "name": f"projects/p/locations/l/metadataStores/default/artifacts/{model}",
            "uri": f"gs://b/{model}",
            "schemaTitle": "tfx.Model",
            "metadata": {"rows": 5, "owner": model, "custom:x": "y", **metadata},
        }
        for model in models
    ]
    outputs = {"model": {"artifacts": artifacts}}
    return {"taskName": "Trainer", "state": state, "outputs": outputs}


def listed(google: GoogleApis, condition: str, kind: str = "artifacts") -> tuple[int, Any]:
    status, answer = ask(google, "GET", f"{STORE}/{kind}?filter={quote(condition)}")
    if status != 200:
        return status, answer["error"]["message"]
    return status, [body["name"].split("/")[-1] for body in answer[kind]]


def test_a_task_is_an_execution_with_its_artifacts_by_the_projects_number(run):
    [task] = run["taskDetails"]

    [model] = task["outputs"]["model"]["artifacts"]
    assert task["execution"]["state"] == "COMPLETE"
    assert task["execution"]["schemaTitle"] == "system.ContainerExecution"
    assert task["execution"]["name"].startswith(f"{NAMES}/executions/")
    assert model["name"] == f"{NAMES}/artifacts/model"
    assert run["pipelineContext"]["name"] == f"{NAMES}/contexts/cab"
    assert run["pipelineRunContext"]["parentContexts"] == [f"{NAMES}/contexts/cab"]


def test_the_numbers_of_the_metadata_are_doubles(run):
    [task] = run["taskDetails"]

    [model] = task["outputs"]["model"]["artifacts"]
    assert repr(model["metadata"]["rows"]) == "5.0"


def test_a_cached_task_has_an_execution_of_its_own(google, run):
    tell(google, "run-2", [trainer("model", state="SKIPPED")])

    _, graph = ask(google, "GET", f"{STORE}/artifacts/model:queryArtifactLineageSubgraph?maxHops=1")

    states = [execution["state"] for execution in graph["executions"]]
    assert states == ["COMPLETE", "CACHED"]
    assert [event["type"] for event in graph["events"]] == ["OUTPUT", "OUTPUT"]
    assert graph["events"][0]["labels"] == {"name": "model"}


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ('schema_title="tfx.Model"', ["a", "b"]),
        ('schema_title="tfx.M*" AND uri="gs://b/a"', ["a"]),
        ('metadata.owner.string_value="b"', ["b"]),
        ("metadata.rows.number_value = 5.0 AND metadata.rows.number_value<6", ["a", "b"]),
        ('metadata."custom:x".string_value="y"', ["a", "b"]),
        ("metadata.good.bool_value=true", ["a", "b"]),
        ('metadata.rows.string_value="5"', []),
        ('(uri="gs://b/a" OR uri="gs://b/b") AND state="LIVE"', ["a", "b"]),
        ('uri="gs://b/a" OR uri="gs://b/b" AND state="PENDING"', []),
        (f'in_context("{NAMES}/contexts/run-1")', ["a", "b"]),
        (f'in_context("{NAMES}/contexts/other")', []),
        ('create_time>="2020-01-01T00:00:00Z"', ["a", "b"]),
        ('create_time<"2020-01-01T00:00:00Z"', []),
    ],
)
def test_artifacts_are_filtered_as_documented(google, condition, names):
    tell(google, "run-1", [trainer("a", "b", good=True)])

    status, found = listed(google, condition)

    assert status == 200
    assert found == names


@pytest.mark.parametrize(
    "condition",
    [
        'labels.a="b"',
        'description="b"',
        'metadata.owner="b"',
        'metadata.custom:x.string_value="y"',
        'metadata.owner.text_value="b"',
        "uri=gs",
        'uri="a" uri="b"',
        'NOT uri="a"',
        'uri:"a"',
        'uri="a" AND',
        '(uri="a"',
        'create_time>"yesterday"',
        'in_context("a"',
        '((((((uri="a"))))))',
    ],
)
def test_other_filters_are_refused(google, run, condition):
    status, message = listed(google, condition)

    assert status == 400
    assert message.startswith("Invalid filter")


def test_an_execution_has_no_address_to_filter_by(google, run):
    status, _ = listed(google, 'uri="gs://b/a"', "executions")

    assert status == 400


def test_a_page_token_needs_the_parameters_that_it_was_given_for(google):
    tell(google, "run-1", [trainer("a", "b", "c")])
    _, first = ask(google, "GET", f"{STORE}/artifacts?pageSize=2")
    token = first["nextPageToken"]

    _, second = ask(google, "GET", f"{STORE}/artifacts?pageSize=2&pageToken={token}")
    status, refusal = ask(google, "GET", f"{STORE}/artifacts?pageSize=1&pageToken={token}")

    assert len(first["artifacts"]) == 2
    assert [body["name"] for body in second["artifacts"]] == [f"{NAMES}/artifacts/c"]
    assert "nextPageToken" not in second
    assert status == 400
    assert refusal["error"]["status"] == "INVALID_ARGUMENT"


def test_a_page_has_a_hundred_artifacts_by_itself_and_at_most_a_thousand(google):
    tell(google, "run-1", [trainer(*(f"m{number}" for number in range(101)))])

    _, page = ask(google, "GET", f"{STORE}/artifacts")
    status, _ = ask(google, "GET", f"{STORE}/artifacts?pageSize=1001")

    assert len(page["artifacts"]) == 100
    assert status == 400


@pytest.mark.parametrize("hops", ["", "?maxHops=1"])
def test_a_lineage_of_more_than_a_thousand_nodes_is_refused(google, hops):
    for number in range(1001):
        tell(google, f"run-{number}", [trainer("model", state="SKIPPED")])

    query = f"{STORE}/artifacts/model:queryArtifactLineageSubgraph{hops}"
    status, refusal = ask(google, "GET", query)

    assert status == 400
    assert refusal["error"]["status"] == "FAILED_PRECONDITION"


def test_a_lineage_has_as_many_hops_as_asked_for(google):
    tell(google, "run-1", [trainer("a", "b")])
    query = f"{STORE}/artifacts/a:queryArtifactLineageSubgraph"

    graphs = [ask(google, "GET", f"{query}{hops}")[1] for hops in ("?maxHops=0", "?maxHops=1", "")]
    status, _ = ask(google, "GET", f"{query}?maxHops=-1")

    assert [len(graph["executions"]) for graph in graphs] == [0, 1, 1]
    assert [len(graph["artifacts"]) for graph in graphs] == [1, 1, 2]
    assert status == 400


def test_an_execution_tells_its_artifacts_and_404_without_any(google, run):
    tell(google, "run-2", [{"taskName": "Trainer", "state": "FAILED"}])
    _, executions = ask(google, "GET", f"{STORE}/executions")
    paths = [f"vertex_ai/v1/{each['name']}" for each in executions["executions"]]

    answers = [ask(google, "GET", f"{path}:queryExecutionInputsAndOutputs") for path in paths]

    [(status, graph), (other_status, _)] = answers
    assert status == 200
    assert [artifact["uri"] for artifact in graph["artifacts"]] == ["gs://b/model"]
    assert other_status == 404


@pytest.mark.parametrize("path", ["artifacts/none", "executions/none", "contexts/none"])
def test_what_is_not_there_is_not_found(google, run, path):
    status, _ = ask(google, "GET", f"{STORE}/{path}")

    assert status == 404


def test_a_project_has_no_store_before_its_first_run(google):
    status, _ = ask(google, "GET", f"{STORE}/artifacts")

    assert status == 404


def test_enums_are_numbers_for_googles_client(google, run):
    query = f"{STORE}/artifacts/model:queryArtifactLineageSubgraph?maxHops=1"

    _, graph = ask(google, "GET", f"{query}&$alt=json;enum-encoding=int")
    _, model = ask(google, "GET", f"{STORE}/artifacts/model?$alt=json;enum-encoding=int")

    assert [execution["state"] for execution in graph["executions"]] == [3]
    assert [event["type"] for event in graph["events"]] == [2]
    assert model["state"] == 2


def test_metadata_have_at_most_200_kb(google):
    with pytest.raises(Exception, match="200 KB"):
        tell(google, "run-1", [trainer("model", text="x" * 200_001)])


@pytest.fixture
def store(google, run) -> str:
    """The store that the first run has made."""
    return STORE


def made(google: GoogleApis, id_: str, **fields: Any) -> int:
    body = {"schemaTitle": "system.ExperimentRun", "schemaVersion": "0.0.1", **fields}
    status, _ = ask(google, "POST", f"{STORE}/contexts?contextId={id_}", body)
    return status


def joined(google: GoogleApis, parent: str, *children: str) -> int:
    path = f"{STORE}/contexts/{parent}:addContextChildren"
    names = [f"{PLACE}/metadataStores/default/contexts/{child}" for child in children]
    status, _ = ask(google, "POST", path, {"childContexts": names})
    return status


def test_a_context_is_made_once(google, store):
    assert made(google, "exp-run", metadata={"_metrics": {"auc": 1}}) == 200
    assert made(google, "exp-run") == 409

    _, context = ask(google, "GET", f"{STORE}/contexts/exp-run")
    assert context["name"] == f"{NAMES}/contexts/exp-run"
    assert repr(context["metadata"]["_metrics"]["auc"]) == "1.0"
    assert context["parentContexts"] == []


@pytest.mark.parametrize(
    ("id_", "fields"),
    [
        ("abc", {}),
        ("a" * 129, {}),
        ("Abcd", {}),
        ("ab_d", {}),
        ("abcd", {"displayName": "x" * 129}),
        ("abcd", {"metadata": {"text": "x" * 200_001}}),
        ("abcd", {"metadata": {"auc": float("nan")}}),
    ],
)
def test_a_context_out_of_bounds_is_refused(google, store, id_, fields):
    assert made(google, id_, **fields) == 400


def test_a_context_has_its_children_once(google, store):
    made(google, "exp-1")
    made(google, "run-of-exp")

    statuses = [joined(google, "exp-1", "run-of-exp") for _ in range(2)]

    _, child = ask(google, "GET", f"{STORE}/contexts/run-of-exp")
    assert statuses == [200, 200]
    assert child["parentContexts"] == [f"{NAMES}/contexts/exp-1"]


def test_a_child_has_at_most_ten_parents(google, store):
    made(google, "child")
    for number in range(11):
        made(google, f"parent-{number}")

    statuses = [joined(google, f"parent-{number}", "child") for number in range(11)]

    assert statuses == [200] * 10 + [400]


def test_no_context_is_its_own_ancestor(google, store):
    made(google, "upper")
    made(google, "lower")
    joined(google, "upper", "lower")

    assert joined(google, "lower", "upper") == 400
    assert joined(google, "lower", "lower") == 400


def test_an_edge_needs_both_of_its_ends(google, store):
    made(google, "upper")

    assert joined(google, "upper", "nobody") == 404
    assert joined(google, "nobody", "upper") == 404


def test_contexts_are_filtered_by_a_parent_and_by_metadata(google, store):
    made(google, "exp-1")
    made(google, "run-a", metadata={"stage": "dev"})
    made(google, "run-b", metadata={"stage": "dev"})
    joined(google, "exp-1", "run-a")

    by_parent = listed(google, f'parent_contexts:"{NAMES}/contexts/exp-1"', "contexts")
    by_metadata = listed(google, 'metadata.stage.string_value="dev"', "contexts")
    by_wrong_operator = listed(google, f'parent_contexts="{NAMES}/contexts/exp-1"', "contexts")

    assert by_parent == (200, ["run-a"])
    assert by_metadata == (200, ["run-a", "run-b"])
    assert by_wrong_operator[0] == 400


def test_a_deleted_context_is_gone(google, store):
    made(google, "exp-1")

    status, _ = ask(google, "DELETE", f"{STORE}/contexts/exp-1")

    assert status == 200
    assert ask(google, "GET", f"{STORE}/contexts/exp-1")[0] == 404


def test_a_page_may_hold_a_hundred_alone(google, store):
    google.unknowns.largest_metadata_page = 100

    status, _ = ask(google, "GET", f"{STORE}/contexts?pageSize=1000")

    assert status == 400


def test_an_unknown_parameter_of_a_listing_is_not_ignored(google, store):
    status, _ = ask(google, "GET", f"{STORE}/contexts?readMask=name")

    assert status == 501


def test_a_job_is_listed_with_the_fields_that_are_asked_for(google, run):
    path = f"vertex_ai/v1/{PLACE}/pipelineJobs?readMask=name,create_time"

    _, page = ask(google, "GET", path)

    [job] = page["pipelineJobs"]
    assert set(job) == {"name", "createTime"}
