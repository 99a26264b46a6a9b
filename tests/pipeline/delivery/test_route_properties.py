"""The properties of the route of every set of changes."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.delivery.route import Change, Route, everything, route_of
from tests.pipeline.delivery.changes import HOSTILE, MODELS, TABLE

FOLDERS = sorted({*MODELS, "old", "Bad Name", "..", "a\nb"})
FILES = ["model.toml", "model.py", "hyperparameters/best.json", "sub/model.toml"]
PARTS = ["pipeline", "models", "components", "infra", "cab", "..", ".", "", "ü", "\n", "dag.py"]
TABLE_PATHS = sorted({*TABLE, *HOSTILE})
NAMES = sorted({*MODELS, "old"})

table_paths = st.sampled_from(TABLE_PATHS)
folders = st.sampled_from(FOLDERS)
files = st.sampled_from(FILES)
model_paths = st.builds("models/{}/{}".format, folders, files)
parts = st.sampled_from(PARTS)
joined_paths = st.lists(parts, min_size=1).map("/".join)
texts = st.text(min_size=1)
paths = st.one_of(table_paths, model_paths, joined_paths, texts)
kinds = st.sampled_from(["added", "modified", "deleted"])
changes_of_paths = st.builds(Change, paths, kinds)
change_sets = st.frozensets(changes_of_paths)
names = st.sampled_from(NAMES)
model_sets = st.frozensets(names)


def assert_includes(larger: Route, smaller: Route) -> None:
    order = ("none", "partial", "full")
    rank, smaller_rank = order.index(larger.kind), order.index(smaller.kind)
    assert larger.image >= smaller.image
    assert larger.models >= smaller.models
    assert larger.removed >= smaller.removed
    assert larger.infrastructure >= smaller.infrastructure
    assert rank >= smaller_rank


@given(change_sets, model_sets)
def test_every_set_of_changes_has_exactly_one_route(changes, models):
    in_order = sorted(changes, key=repr)
    in_reverse = sorted(changes, key=repr, reverse=True)

    route = route_of(changes, models)

    without_removals = replace(route, removed=frozenset())
    assert route_of(in_order, models) == route
    assert route_of(in_reverse, models) == route
    assert route.kind in ("full", "partial", "none")
    assert_includes(everything(models), without_removals)


@given(change_sets, change_sets, model_sets)
def test_a_larger_set_never_gets_a_smaller_route(some, more, models):
    larger = route_of(some | more, models)
    smaller = route_of(some, models)

    assert_includes(larger, smaller)


@given(change_sets, model_sets)
def test_only_models_that_are_there_are_submitted_and_only_those_that_are_not_are_removed(
    changes, models
):
    route = route_of(changes, models)

    assert route.models <= models
    assert route.removed.isdisjoint(models)


@given(paths, paths, model_sets)
def test_a_rename_reaches_what_its_two_sides_reach(old, new, models):
    deletion, addition = Change(old, "deleted"), Change(new, "added")

    route = route_of([deletion, addition], models)

    route_of_deletion = route_of([deletion], models)
    route_of_addition = route_of([addition], models)
    assert route == route_of_deletion | route_of_addition
    assert_includes(route, route_of_addition)


@given(paths, model_sets)
def test_a_deletion_reaches_at_least_the_image_and_models_of_a_modification(path, models):
    deletion, modification = Change(path, "deleted"), Change(path, "modified")

    route_of_deletion = route_of([deletion], models)
    route_of_modification = route_of([modification], models)

    assert route_of_deletion.image == route_of_modification.image
    assert route_of_deletion.models == route_of_modification.models
