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


@pytest.mark.parametrize("what", ["modified", "added", "deleted"])
@pytest.mark.parametrize("path", [path for path in TABLE if path != "models/cab/model.toml"])
def test_each_path_has_the_route_of_the_table_whatever_happened_to_it(path, what):
    assert route_of([Change(path, what)], MODELS) == TABLE[path]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_hostile_path_reaches_what_it_names_and_nothing_else(path):
    assert route_of([Change(path, "modified")], MODELS) == HOSTILE[path]


def test_a_new_model_is_submitted_and_wants_its_endpoint():
    result = route_of(
        [Change("models/cab/model.toml", "added"), Change("models/cab/model.py", "added")], MODELS
    )

    assert result == Route(models=frozenset({"cab"}), infrastructure=True)
    assert result.kind == "partial"


def test_a_removed_model_is_named_and_not_submitted():
    deletions = [
        Change("models/old/model.toml", "deleted"),
        Change("models/old/model.py", "deleted"),
    ]

    result = route_of(deletions, MODELS)

    assert result == Route(removed=frozenset({"old"}), infrastructure=True)
    assert result.kind == "none"


@pytest.mark.parametrize("folder", ["ta xi", "cab\n", "..", "тaxi", "Taxi"])
@pytest.mark.parametrize("what", ["added", "deleted"])
def test_a_folder_that_no_model_can_be_named_after_is_none(folder, what):
    assert route_of([Change(f"models/{folder}/model.toml", what)], MODELS).models == frozenset()
    assert not route_of([Change(f"models/{folder}/model.toml", what)], MODELS).removed


def test_a_renamed_model_is_one_removed_and_one_new():
    moved = [Change("models/old/model.toml", "deleted"), Change("models/cab/model.toml", "added")]

    assert route_of(moved, MODELS) == Route(
        models=frozenset({"cab"}), removed=frozenset({"old"}), infrastructure=True
    )


def test_a_file_moved_between_models_reaches_both():
    moved = [Change("models/cab/query.sql", "deleted"), Change("models/ferry/query.sql", "added")]

    assert route_of(moved, MODELS) == Route(models=MODELS)


def test_a_file_moved_out_of_the_pipeline_still_builds_the_image():
    moved = [Change("pipeline/reports/charts.py", "deleted"), Change("docs/charts.py", "added")]

    assert route_of(moved, MODELS) == IMAGE


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (FULL, "full"),
        (IMAGE, "full"),
        (IMAGE | CAB, "full"),
        (CAB, "partial"),
        (INFRASTRUCTURE, "none"),
        (NOTHING, "none"),
    ],
)
def test_the_image_makes_a_route_full_and_a_model_alone_partial(found, kind):
    assert found.kind == kind
