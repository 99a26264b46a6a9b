"""The deliveries of a push: the table of changes and of their reach."""

import pytest

from pipeline.delivery.route import Change, Route, route_of
from tests.pipeline.delivery.changes import (
    CAB,
    FULL,
    HOSTILE,
    IMAGE,
    INFRASTRUCTURE,
    MODELS,
    NOTHING,
    TABLE,
)

EDITABLE = [path for path in TABLE if path != "models/cab/model.toml"]
ONE, OLD = frozenset({"cab"}), frozenset({"old"})
ADDITION = Change("models/cab/model.toml", "added")
REMOVAL = Change("models/old/model.toml", "deleted")


@pytest.mark.parametrize("what", ["modified", "added", "deleted"])
@pytest.mark.parametrize("path", EDITABLE)
def test_each_path_has_the_route_of_the_table_whatever_happened_to_it(path, what):
    change = Change(path, what)

    route = route_of([change], MODELS)

    assert route == TABLE[path]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_hostile_path_reaches_what_it_names_and_nothing_else(path):
    change = Change(path, "modified")

    route = route_of([change], MODELS)

    assert route == HOSTILE[path]


def test_a_new_model_is_submitted_and_wants_its_endpoint():
    module = Change("models/cab/model.py", "added")

    route = route_of([ADDITION, module], MODELS)

    assert route == Route(models=ONE, infrastructure=True)
    assert route.kind == "partial"


def test_a_removed_model_is_named_and_not_submitted():
    module = Change("models/old/model.py", "deleted")

    route = route_of([REMOVAL, module], MODELS)

    assert route == Route(removed=OLD, infrastructure=True)
    assert route.kind == "none"


@pytest.mark.parametrize("folder", ["ta xi", "cab\n", "..", "тaxi", "Taxi"])
@pytest.mark.parametrize("what", ["added", "deleted"])
def test_a_folder_that_no_model_can_be_named_after_is_none(folder, what):
    change = Change(f"models/{folder}/model.toml", what)

    route = route_of([change], MODELS)

    assert route.models == frozenset()
    assert not route.removed


def test_a_renamed_model_is_one_removed_and_one_new():
    route = route_of([REMOVAL, ADDITION], MODELS)

    assert route == Route(models=ONE, removed=OLD, infrastructure=True)


def test_a_file_moved_between_models_reaches_both():
    deletion = Change("models/cab/query.sql", "deleted")
    addition = Change("models/ferry/query.sql", "added")

    route = route_of([deletion, addition], MODELS)

    assert route == Route(models=MODELS)


def test_a_file_moved_out_of_the_pipeline_still_builds_the_image():
    deletion = Change("pipeline/reports/charts.py", "deleted")
    addition = Change("docs/charts.py", "added")

    route = route_of([deletion, addition], MODELS)

    assert route == IMAGE


@pytest.mark.parametrize(
    ("route", "kind"),
    [
        (FULL, "full"),
        (IMAGE, "full"),
        (IMAGE | CAB, "full"),
        (CAB, "partial"),
        (INFRASTRUCTURE, "none"),
        (NOTHING, "none"),
    ],
)
def test_the_image_makes_a_route_full_and_a_model_alone_partial(route, kind):
    assert route.kind == kind
