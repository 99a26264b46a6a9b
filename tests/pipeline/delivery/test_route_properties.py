"""The properties of the route of every set of changes."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.delivery.route import Change, Route, everything, route_of
from tests.pipeline.delivery.changes import HOSTILE, MODELS, TABLE

names = st.sampled_from(sorted({*MODELS, "old", "Bad Name", "..", "a\nb"}))
inside = st.sampled_from(["model.toml", "model.py", "hyperparameters/best.json", "sub/model.toml"])
paths = st.one_of(
    st.sampled_from(sorted({*TABLE, *HOSTILE})),
    st.builds("models/{}/{}".format, names, inside),
    st.lists(
        st.sampled_from(
            [
                "pipeline",
                "models",
                "components",
                "infra",
                "cab",
                "..",
                ".",
                "",
                "ü",
                "\n",
                "dag.py",
            ]
        ),
        min_size=1,
    ).map("/".join),
    st.text(min_size=1),
)
change_sets = st.frozensets(
    st.builds(Change, paths, st.sampled_from(["added", "modified", "deleted"]))
)
model_sets = st.frozensets(st.sampled_from(sorted({*MODELS, "old"})))


def includes(larger: Route, smaller: Route) -> bool:
    order = ("none", "partial", "full")
    return (
        larger.image >= smaller.image
        and larger.models >= smaller.models
        and larger.removed >= smaller.removed
        and larger.infrastructure >= smaller.infrastructure
        and order.index(larger.kind) >= order.index(smaller.kind)
    )


@given(change_sets, model_sets)
def test_every_set_of_changes_has_exactly_one_route(changes, models):
    result = route_of(changes, models)

    assert (
        route_of(sorted(changes, key=repr), models)
        == route_of(sorted(changes, key=repr, reverse=True), models)
        == result
    )
    assert result.kind in ("full", "partial", "none")
    assert includes(
        everything(models), Route(result.image, result.models, frozenset(), result.infrastructure)
    )


@given(change_sets, change_sets, model_sets)
def test_a_larger_set_never_gets_a_smaller_route(some, more, models):
    assert includes(route_of(some | more, models), route_of(some, models))


@given(change_sets, model_sets)
def test_only_models_that_are_there_are_submitted_and_only_those_that_are_not_are_removed(
    changes, models
):
    result = route_of(changes, models)

    assert result.models <= models
    assert not result.removed & models


@given(paths, paths, model_sets)
def test_a_rename_reaches_what_its_two_sides_reach(old, new, models):
    renamed = route_of([Change(old, "deleted"), Change(new, "added")], models)

    assert renamed == route_of([Change(old, "deleted")], models) | route_of(
        [Change(new, "added")], models
    )
    assert includes(renamed, route_of([Change(new, "added")], models))


@given(paths, model_sets)
def test_a_deletion_reaches_at_least_the_image_and_models_of_a_modification(path, models):
    deleted, modified = (
        route_of([Change(path, "deleted")], models),
        route_of([Change(path, "modified")], models),
    )

    assert deleted.image == modified.image
    assert deleted.models == modified.models
