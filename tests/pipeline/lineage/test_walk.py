"""A lineage is walked back and forward by hops, on the metadata of this machine."""

import time

import pytest

from pipeline.lineage import walk
from pipeline.lineage.local_store import LocalStore
from tests.pipeline.lineage.local_runs import NODES, LocalRuns

TRAINED = ("Trainer", "Evaluator", "Pusher")
INGESTED = tuple(set(NODES) - set(TRAINED))


@pytest.fixture
def runs(tmp_path) -> LocalRuns:
    return LocalRuns(tmp_path)


def digests(models) -> list[str]:
    return [model.properties["digest"] for model in models]


def test_a_model_goes_back_to_its_rows_and_schema(runs):
    runs.run("r1")
    store = LocalStore(runs.store)

    steps = walk.back(store, walk.model_of(store, "r1"))

    nodes = [step.execution.node for step in steps]
    assert nodes == ["Trainer", "ImportSchemaGen", "Transform", "CsvExampleGen"]


def test_a_cached_step_goes_back_to_the_run_that_did_it(runs):
    runs.run("r1")
    runs.run("r2", of="r1", cached=INGESTED)
    store = LocalStore(runs.store)

    steps = walk.back(store, walk.model_of(store, "r2"))

    made_by = {step.execution.node: step.execution.run for step in steps}
    assert made_by["Trainer"] == "r2"
    assert made_by["Transform"] == "r1"


def test_a_model_that_a_later_run_took_from_the_cache_is_one_model(runs):
    runs.run("r1")
    runs.run("r2", of="r1", cached=tuple(NODES))
    store = LocalStore(runs.store)

    [examples] = store.artifacts("Examples")
    reach = walk.forward(store, [examples])

    assert len(reach.models) == 1
    assert walk.model_of(store, "r2") == walk.model_of(store, "r1")


def test_rows_reach_the_models_that_were_made_from_them(runs):
    runs.run("r1", digest="1" * 64, model_digest="a1")
    runs.run("r2", digest="2" * 64, model_digest="a2")
    store = LocalStore(runs.store)

    reach = walk.forward(store, store.with_property("Examples", "digest", "1" * 64))

    assert digests(reach.models) == ["a1"]
    assert reach.judged == []


def test_a_bad_baseline_is_no_part_of_the_models_judged_against_it(runs):
    runs.run("r1", digest="1" * 64, model_digest="a1")
    runs.run("r2", digest="2" * 64, model_digest="a2", baseline="r1")
    store = LocalStore(runs.store)

    reach = walk.forward(store, store.with_property("Examples", "digest", "1" * 64))

    assert digests(reach.models) == ["a1"]
    assert digests(judged.model for judged in reach.judged) == ["a2"]


def test_a_schema_that_all_runs_share_joins_no_models(runs):
    runs.run("r1", digest="1" * 64, model_digest="a1")
    runs.run("r2", of="r1", cached=("ImportSchemaGen",), digest="2" * 64, model_digest="a2")
    store = LocalStore(runs.store)

    reach = walk.forward(store, store.with_property("Examples", "digest", "1" * 64))

    assert digests(reach.models) == ["a1"]


def test_a_model_is_told_what_its_judges_said_and_against_whom(runs):
    runs.run("r1", model_digest="a1")
    runs.run("r2", of="r1", cached=INGESTED, model_digest="a2", baseline="r1")
    store = LocalStore(runs.store)

    [judgement] = walk.judgements(store, walk.model_of(store, "r2"))

    assert judgement.step.execution.node == "Evaluator"
    assert judgement.baseline == walk.model_of(store, "r1")


def test_a_word_on_a_later_model_is_none_on_its_baseline(runs):
    runs.run("r1", model_digest="a1")
    runs.run("r2", of="r1", cached=INGESTED, model_digest="a2", baseline="r1")
    store = LocalStore(runs.store)

    [judgement] = walk.judgements(store, walk.model_of(store, "r1"))

    assert judgement.step.execution.run == "r1"


def test_five_hundred_runs_of_one_schema_are_walked_within_ten_seconds(runs):
    others = [
        (f"r{n}", {"of": "first", "cached": ("ImportSchemaGen",), "digest": f"{n:064}"})
        for n in range(499)
    ]
    runs.add([("first", {}), *others])
    start = time.perf_counter()

    store = LocalStore(runs.store)
    reach = walk.forward(store, store.with_property("Examples", "digest", f"{7:064}"))

    assert time.perf_counter() - start < 10
    assert [step.execution.run for step in reach.steps] == ["r7", "r7"]
