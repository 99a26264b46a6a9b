"""Vertex ML Metadata as a lineage's store, by one answer a run and by hops from an artifact."""

from typing import Any

import pytest

from environments import DEV
from pipeline.errors import RunError
from pipeline.lineage import walk
from pipeline.lineage.graph import Artifact
from pipeline.lineage.vertex_store import VertexStore
from tests.standins.google.apis import GoogleApis
from tests.standins.google.faults import Fault

STORE = f"projects/{DEV.project_number}/locations/{DEV.region}/metadataStores/default"
INGESTED = ("CsvExampleGen", "ImportSchemaGen")
UNTIL_TRAINED = (*INGESTED, "Transform", "Trainer")


def output(store: VertexStore, run: str, node: str, key: str) -> Artifact:
    [execution] = [each for each in store.of_run(run) if each.node == node]
    [artifact] = store.outputs(execution)[key]
    return artifact


def named(executions: Any) -> list[tuple[str, str]]:
    return sorted((execution.run, execution.node) for execution in executions)


def asked(google: GoogleApis, part: str = "/projects/") -> list[str]:
    """The requests to Vertex so far with this in their path."""
    paths = [request.path for request in google.requests]
    return [path for path in paths if part in path and path.startswith("/vertex_ai")]


def test_one_answer_tells_a_whole_run(google, jobs, vertex_store):
    jobs.run("r1")
    google.requests.clear()

    executions = vertex_store.of_run("r1")
    model = output(vertex_store, "r1", "Trainer", "model")
    producer = vertex_store.producer(model)

    assert [execution.node for execution in executions][-2:] == ["Evaluator", "Pusher"]
    assert {execution.state for execution in executions} == {"ran"}
    assert producer.node == "Trainer"
    assert producer.run == "r1"
    assert producer.properties == {"seed": "7"}
    assert model.type == "Model"
    assert model.id == f"{STORE}/artifacts/r1-Trainer-model"
    assert len(asked(google)) == 1


def test_numbers_of_the_metadata_are_whole_again(jobs, vertex_store):
    jobs.run("r1")

    examples = output(vertex_store, "r1", "CsvExampleGen", "examples")

    assert repr(examples.properties["rows"]) == "1500"


def test_a_cached_tasks_artifact_is_made_by_the_older_run(google, jobs, vertex_store):
    jobs.run("r1")
    jobs.run("r2", of="r1", cached=UNTIL_TRAINED)
    google.requests.clear()
    model = output(vertex_store, "r2", "Trainer", "model")

    producer = vertex_store.producer(model)
    [examples] = vertex_store.inputs(vertex_store.of_run("r1")[3])["examples"]

    states = {execution.node: execution.state for execution in vertex_store.of_run("r2")}
    assert (producer.run, producer.node) == ("r1", "Trainer")
    assert examples.properties["digest"] == "d1"
    assert states["Trainer"] == "cached"
    assert states["Pusher"] == "ran"
    assert len(asked(google)) == 2


def test_a_resolver_makes_no_model(jobs, vertex_store):
    jobs.run("r1")
    jobs.run("r2", baseline="r1", digest="d2")
    [evaluator] = [each for each in vertex_store.of_run("r2") if each.node == "Evaluator"]
    [baseline] = vertex_store.inputs(evaluator)["baseline_model"]

    producer = vertex_store.producer(baseline)

    assert (producer.run, producer.node) == ("r1", "Trainer")


def test_data_is_found_by_its_digest(jobs, vertex_store):
    jobs.run("r1")
    jobs.run("r2", digest="d2")

    [artifact] = vertex_store.with_property("Examples", "digest", "d2")

    assert artifact.uri.endswith("/dev-cab/r2/CsvExampleGen/examples")


def test_a_property_with_an_odd_name_and_value_is_asked_for_in_quotes(jobs, vertex_store):
    jobs.run("r1", digest='d"1\\ä')

    found = list(vertex_store.with_property("Examples", "digest", 'd"1\\ä'))
    none = list(vertex_store.with_property("Examples", "custom:digest", "d1"))

    assert len(found) == 1
    assert none == []


def test_all_runs_that_have_read_an_artifact_are_known(jobs, vertex_store):
    jobs.run("r1")
    jobs.run("r2", of="r1", cached=(*INGESTED, "Transform"))
    jobs.run("r3", digest="d3")
    [examples] = vertex_store.with_property("Examples", "digest", "d1")

    consumers = vertex_store.consumers(examples)

    assert named(consumers) == [
        ("r1", "Evaluator"),
        ("r1", "Transform"),
        ("r2", "Evaluator"),
        ("r2", "Transform"),
    ]


def test_a_later_run_that_judged_against_a_model_is_known(jobs, vertex_store):
    jobs.run("r1")
    jobs.run("r2", baseline="r1", digest="d2")
    model = output(vertex_store, "r1", "Trainer", "model")

    consumers = vertex_store.consumers(model)

    assert ("r2", "Evaluator") in named(consumers)


@pytest.fixture
def many(jobs):
    """500 runs of one schema; two of them of bad data, one judged against one of these."""
    jobs.run("r0", digest="good")
    jobs.run("bad1", of="r0", cached=("ImportSchemaGen",), digest="bad")
    jobs.run("bad2", of="bad1", cached=(*INGESTED, "Transform"), blessed=0)
    jobs.run("judge", of="r0", cached=("ImportSchemaGen",), baseline="bad1", digest="good2")
    for number in range(496):
        jobs.run(f"r{number + 1}", of="r0", cached=("ImportSchemaGen",), digest=f"g{number}")
    return jobs


def test_at_most_three_requests_are_made_for_a_touched_run(google, many, vertex_store):
    google.requests.clear()

    reach = walk.forward(vertex_store, vertex_store.with_property("Examples", "digest", "bad"))

    judges = [judged.step for judged in reach.judged]
    runs = {step.execution.run for step in (*reach.steps, *judges)}
    assert runs == {"bad1", "bad2", "judge"}
    assert len(asked(google)) <= 3 * len(runs)


def test_three_requests_are_made_for_one_touched_run_that_was_blessed(google, jobs, vertex_store):
    jobs.run("r0", digest="good")
    jobs.run("bad", of="r0", cached=("ImportSchemaGen",), digest="bad")
    google.requests.clear()

    reach = walk.forward(vertex_store, vertex_store.with_property("Examples", "digest", "bad"))

    assert {step.execution.run for step in reach.steps} == {"bad"}
    assert len(reach.models) == 1
    assert len(asked(google)) == 3


def test_a_baseline_of_more_runs_than_vertex_answers_costs_two_requests_more(
    google, jobs, vertex_store
):
    jobs.run("r0", digest="good")
    jobs.run("bad", of="r0", cached=("ImportSchemaGen",), baseline="r0", digest="bad")
    for number in range(1001):
        jobs.run(f"r{number + 1}", of="r0", cached=INGESTED, baseline="r0", blessed=0)
    google.requests.clear()

    reach = walk.forward(vertex_store, vertex_store.with_property("Examples", "digest", "bad"))

    assert {step.execution.run for step in reach.steps} == {"bad"}
    assert len(reach.models) == 1
    assert len(asked(google)) == 5


def test_the_producer_of_a_shared_schema_is_found_beyond_what_vertex_answers(
    google, many, vertex_store
):
    google.requests.clear()
    schema = output(vertex_store, "r400", "ImportSchemaGen", "schema")

    producer = vertex_store.producer(schema)

    assert (producer.run, producer.node) == ("r0", "ImportSchemaGen")
    assert len(asked(google)) == 2


def test_the_readers_of_an_artifact_of_too_many_runs_are_read_run_by_run(many, vertex_store):
    schema = output(vertex_store, "r400", "ImportSchemaGen", "schema")

    consumers = vertex_store.consumers(schema)

    runs = {execution.run for execution in consumers}
    assert runs == {"bad1", "bad2", "judge", *(f"r{number}" for number in range(497))}


@pytest.mark.parametrize(
    "run", ["never", "", "No Run!", "a?b=c", "7", "é", "a" * 129, "projects/other/pipelineJobs/r1"]
)
def test_a_run_that_is_not_there_has_no_executions(jobs, vertex_store, run):
    jobs.run("r1")

    assert vertex_store.of_run(run) == []


def test_a_run_is_known_by_its_resource_name(jobs, vertex_store):
    name = jobs.run("r1")

    assert vertex_store.of_run(name) == vertex_store.of_run("r1")


def test_a_run_that_never_started_has_no_executions(jobs, vertex_store):
    name = jobs.submit("pending")

    assert vertex_store.of_run(name) == []


def test_a_project_without_runs_knows_no_data(google, vertex_store):
    assert list(vertex_store.with_property("Examples", "digest", "d1")) == []


def test_a_deleted_jobs_tasks_are_told_by_the_metadata(google, jobs, vertex_store):
    google.forget(jobs.run("r1"))
    [examples] = vertex_store.with_property("Examples", "digest", "d1")

    producer = vertex_store.producer(examples)
    consumers = vertex_store.consumers(examples)

    [transform] = [execution for execution in consumers if execution.node == "Transform"]
    [schema] = vertex_store.inputs(transform)["schema"]
    [graph] = vertex_store.outputs(transform)["transform_graph"]
    assert (producer.run, producer.node, producer.state) == ("r1", "CsvExampleGen", "ran")
    assert named(consumers) == [("r1", "Evaluator"), ("r1", "Transform")]
    assert schema.type == "Schema"
    assert graph.type == "TransformGraph"


def test_an_execution_without_artifacts_has_none(google, jobs, vertex_store):
    name = jobs.submit("r1")
    google.tell_tasks(name, [{"taskName": "Trainer", "state": "FAILED"}])
    [execution] = vertex_store.of_run("r1")
    google.forget(name)
    other_store = VertexStore(vertex_store.stage)

    assert other_store.inputs(execution) == {}
    assert other_store.outputs(execution) == {}


def test_listings_that_begin_with_an_empty_page_are_read_on(google, jobs, vertex_store):
    jobs.run("r1")
    google.begin_listings_empty()

    [examples] = vertex_store.with_property("Examples", "digest", "d1")

    assert examples.type == "Examples"


def test_an_overloaded_vertex_is_asked_again(google, jobs, vertex_store):
    jobs.run("r1")
    google.faults.append(Fault("GET", "/artifacts", 503))

    [examples] = vertex_store.with_property("Examples", "digest", "d1")

    assert examples.type == "Examples"


def test_a_refusal_is_one_sentence(google, jobs, vertex_store):
    jobs.run("r1")
    google.faults.append(Fault("GET", "/artifacts", 403))

    with pytest.raises(RunError, match=r"^Vertex ML Metadata: Google refuses it in mill-dev"):
        list(vertex_store.with_property("Examples", "digest", "d1"))


def test_the_metadata_tell_the_run_of_a_pushed_version(jobs, vertex_store):
    jobs.run("r1")
    jobs.run("r2", of="r1", cached=UNTIL_TRAINED)

    [pushed_model] = vertex_store.with_property("PushedModel", "pushed_version", "r2")

    assert vertex_store.producer(pushed_model).run == "r2"
