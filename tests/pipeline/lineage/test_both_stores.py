"""One walk answers the same over this machine's ML Metadata and over Vertex's."""

import pytest

from pipeline.lineage import walk
from pipeline.lineage.local_store import LocalStore
from tests.pipeline.lineage.local_runs import LocalRuns

TRAINED = ("Trainer", "Evaluator", "Pusher")
INGESTED = ("CsvExampleGen", "ImportSchemaGen", "Transform")
BAD = "2" * 64


@pytest.fixture
def here(tmp_path):
    """Runs on this machine, and how to open their store."""
    runs = LocalRuns(tmp_path)
    return runs, lambda: LocalStore(runs.store)


@pytest.fixture
def on_vertex(jobs, vertex_store):
    """Runs on Vertex, and their store."""
    return jobs, lambda: vertex_store


@pytest.fixture(params=["here", "on_vertex"])
def place(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def store(place):
    """Rows that two runs were trained on, another run judged against one of these, and one of
    other rows; all have one schema."""
    runs, opened = place
    runs.run("r1", digest="1" * 64, model_digest="a1")
    runs.run("r2", of="r1", cached=("ImportSchemaGen",), digest=BAD, model_digest="a2")
    runs.run("r3", of="r2", cached=INGESTED, digest=BAD, model_digest="a3")
    runs.run(
        "r4",
        of="r1",
        cached=("ImportSchemaGen",),
        digest="4" * 64,
        model_digest="a4",
        baseline="r2",
    )
    return opened()


def digests(models) -> list[str]:
    return sorted(model.properties["digest"] for model in models)


def test_a_model_goes_back_to_its_rows_and_to_the_runs_that_did_each_step(store):
    model = walk.model_of(store, "r3")

    steps = walk.back(store, model)

    runs = {step.execution.node: step.execution.run for step in steps}
    assert steps[0].execution.node == "Trainer"
    assert runs == {
        "Trainer": "r3",
        "Transform": "r2",
        "ImportSchemaGen": "r1",
        "CsvExampleGen": "r2",
    }


def test_rows_go_forward_to_the_models_made_from_them(store):
    reach = walk.forward(store, store.with_property("Examples", "digest", BAD))

    assert digests(reach.models) == ["a2", "a3"]


def test_a_model_that_was_only_judged_against_a_bad_one_is_told_apart(store):
    reach = walk.forward(store, store.with_property("Examples", "digest", BAD))

    assert digests(judged.model for judged in reach.judged) == ["a4"]


def test_a_model_is_told_what_its_judges_said_and_against_whom(store):
    model = walk.model_of(store, "r4")

    [judgement] = walk.judgements(store, model)

    assert judgement.step.execution.run == "r4"
    assert judgement.baseline == walk.model_of(store, "r2")


def test_rows_that_no_run_has_read_reach_nothing(store):
    reach = walk.forward(store, store.with_property("Examples", "digest", "9" * 64))

    assert reach.models == []
    assert reach.judged == []


def test_a_run_that_is_not_there_has_no_model(store):
    assert walk.model_of(store, "r9") is None
