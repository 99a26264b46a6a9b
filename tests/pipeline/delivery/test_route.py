"""What a push delivers: the table of changes and what they reach, and what holds of every set of them."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.delivery.route import RETRAINING, TRAINING_MODULES, Change, Route, everything, route
from settings import REPOSITORY

MODELS = frozenset({"taxi", "flights"})
FULL = Route(image=True, models=MODELS)
IMAGE = Route(image=True)
INFRASTRUCTURE = Route(infrastructure=True)
TAXI = Route(models=frozenset({"taxi"}))
NOTHING = Route()

TABLE = {
    "pipeline/models/taxi/model.py": TAXI,
    "pipeline/models/taxi/model.toml": TAXI,
    "pipeline/models/taxi/hyperparameters/best.json": TAXI,
    "pipeline/models/taxi/notes/data drift, März.md": TAXI,
    "pipeline/models/nobody/model.py": NOTHING,
    "pipeline/dag.py": FULL,
    "pipeline/spec.py": FULL,
    "pipeline/runners.py": FULL,
    "pipeline/evaluation.py": FULL,
    "pipeline/declaration.py": FULL,
    "pipeline/model_folder.py": FULL,
    "pipeline/schema.py": FULL,
    "pipeline/components/trainer.py": FULL,
    "pipeline/components/of/a/folder.py": FULL,
    "settings.py": FULL,
    "names.py": FULL,
    "Pipfile.lock": FULL,
    "build/Dockerfile": FULL,
    "pipeline/__main__.py": IMAGE,
    "pipeline/serving/engine.py": IMAGE,
    "pipeline/records/report.html.jinja": IMAGE,
    "pipeline/delivery/route.py": IMAGE,
    "pipeline/monitoring/drift.py": IMAGE,
    "pipeline/models/README.md": IMAGE,
    "infra/stacks/serving.py": INFRASTRUCTURE,
    "environments.py": INFRASTRUCTURE,
    "README.md": NOTHING,
    "Pipfile": NOTHING,
    "build/image.yaml": NOTHING,
    "tests/pipeline/test_run.py": NOTHING,
    "docs/pipeline/dag.py": NOTHING,
    ".github/workflows/main.yml": NOTHING,
}
HOSTILE = {
    "pipeline/models/taxi/a name\nwith a line, 'quotes' and a \udcff byte": TAXI,
    "pipeline/models/ta xi/model.toml": NOTHING,
    "pipeline/models/taxi\n/model.py": NOTHING,
    "pipeline/models/таxi/model.py": NOTHING,
    "pipeline/models/../dag.py": FULL,
    "pipeline/models/taxi/../../dag.py": FULL,
    "../pipeline/dag.py": NOTHING,
    "pipeline\\dag.py": NOTHING,
    "pipeline/dag.py\n": IMAGE,
    "Pipeline/dag.py": NOTHING,
    "pipelines/dag.py": NOTHING,
    "pipeline/components": IMAGE,
    "-": NOTHING,
    "": NOTHING,
}

names = st.sampled_from(sorted({*MODELS, "old", "Bad Name", "..", "a\nb"}))
inside = st.sampled_from(["model.toml", "model.py", "hyperparameters/best.json", "sub/model.toml"])
paths = st.one_of(
    st.sampled_from(sorted({*TABLE, *HOSTILE})),
    st.builds("pipeline/models/{}/{}".format, names, inside),
    st.lists(st.sampled_from(["pipeline", "models", "components", "infra", "taxi", "..", ".", "", "ü", "\n", "dag.py"]), min_size=1).map(
        "/".join
    ),
    st.text(min_size=1),
)
change_sets = st.frozensets(st.builds(Change, paths, st.sampled_from(["added", "modified", "deleted"])))
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


@pytest.mark.parametrize("what", ["modified", "added", "deleted"])
@pytest.mark.parametrize("path", [path for path in TABLE if path != "pipeline/models/taxi/model.toml"])
def test_each_path_has_the_route_of_the_table_whatever_happened_to_it(path, what):
    assert route([Change(path, what)], MODELS) == TABLE[path]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_hostile_path_reaches_what_it_names_and_nothing_else(path):
    assert route([Change(path, "modified")], MODELS) == HOSTILE[path]


def test_a_new_model_is_submitted_and_wants_its_endpoint():
    found = route([Change("pipeline/models/taxi/model.toml", "added"), Change("pipeline/models/taxi/model.py", "added")], MODELS)

    assert found == Route(models=frozenset({"taxi"}), infrastructure=True)
    assert found.kind == "partial"


def test_a_removed_model_is_named_and_not_submitted():
    gone = [Change("pipeline/models/old/model.toml", "deleted"), Change("pipeline/models/old/model.py", "deleted")]

    found = route(gone, MODELS)

    assert found == Route(removed=frozenset({"old"}), infrastructure=True)
    assert found.kind == "none"


@pytest.mark.parametrize("folder", ["ta xi", "taxi\n", "..", "тaxi", "Taxi"])
@pytest.mark.parametrize("what", ["added", "deleted"])
def test_a_folder_that_no_model_can_be_named_after_is_none(folder, what):
    assert route([Change(f"pipeline/models/{folder}/model.toml", what)], MODELS).models == frozenset()
    assert not route([Change(f"pipeline/models/{folder}/model.toml", what)], MODELS).removed


def test_a_renamed_model_is_one_removed_and_one_new():
    moved = [Change("pipeline/models/old/model.toml", "deleted"), Change("pipeline/models/taxi/model.toml", "added")]

    assert route(moved, MODELS) == Route(models=frozenset({"taxi"}), removed=frozenset({"old"}), infrastructure=True)


def test_a_file_moved_between_models_reaches_both():
    moved = [Change("pipeline/models/taxi/query.sql", "deleted"), Change("pipeline/models/flights/query.sql", "added")]

    assert route(moved, MODELS) == Route(models=MODELS)


def test_a_file_moved_out_of_the_pipeline_still_builds_the_image():
    moved = [Change("pipeline/records/charts.py", "deleted"), Change("docs/charts.py", "added")]

    assert route(moved, MODELS) == IMAGE


@pytest.mark.parametrize(
    ("found", "kind"),
    [(FULL, "full"), (IMAGE, "full"), (IMAGE | TAXI, "full"), (TAXI, "partial"), (INFRASTRUCTURE, "none"), (NOTHING, "none")],
)
def test_the_image_makes_a_route_full_and_a_model_alone_partial(found, kind):
    assert found.kind == kind


@given(change_sets, model_sets)
def test_every_set_of_changes_has_exactly_one_route(changes, models):
    found = route(changes, models)

    assert route(sorted(changes, key=repr), models) == route(sorted(changes, key=repr, reverse=True), models) == found
    assert found.kind in ("full", "partial", "none")
    assert includes(everything(models), Route(found.image, found.models, frozenset(), found.infrastructure))


@given(change_sets, change_sets, model_sets)
def test_a_larger_set_never_gets_a_smaller_route(some, more, models):
    assert includes(route(some | more, models), route(some, models))


@given(change_sets, model_sets)
def test_only_models_that_are_there_are_submitted_and_only_those_that_are_not_are_removed(changes, models):
    found = route(changes, models)

    assert found.models <= models
    assert not found.removed & models


@given(paths, paths, model_sets)
def test_a_rename_reaches_what_its_two_sides_reach(old, new, models):
    renamed = route([Change(old, "deleted"), Change(new, "added")], models)

    assert renamed == route([Change(old, "deleted")], models) | route([Change(new, "added")], models)
    assert includes(renamed, route([Change(new, "added")], models))


@given(paths, model_sets)
def test_a_deletion_reaches_at_least_the_image_and_models_of_a_modification(path, models):
    deleted, modified = route([Change(path, "deleted")], models), route([Change(path, "modified")], models)

    assert (deleted.image, deleted.models) == (modified.image, modified.models)


def test_the_retraining_modules_are_those_that_the_job_and_its_nodes_import():
    """Whatever dag, spec, runners, evaluation and the components import of ours decides what a trained model is; errors only words it."""
    begin = [REPOSITORY / f"pipeline/{name}.py" for name in ("dag", "spec", "runners", "evaluation")]
    files = imported_from([*begin, *(REPOSITORY / "pipeline/components").glob("*.py")])

    ours = {str(file.relative_to(REPOSITORY)) for file in files if "components" not in file.parts}
    assert ours - {"pipeline/__init__.py", "pipeline/errors.py"} == {f"pipeline/{m}.py" for m in TRAINING_MODULES} | {
        "settings.py",
        "names.py",
    }
    assert ours - {"pipeline/__init__.py", "pipeline/errors.py"} <= RETRAINING


def imported_from(files):
    """These files and all of this repository that they import, directly or not, at the top or inside a function."""
    seen, waiting = set(), list(files)
    while waiting:
        if (file := waiting.pop()) not in seen:
            seen.add(file)
            waiting += (found for name in imported_names(file) if (found := source(name)))
    return seen


def imported_names(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: a relative import, which this walk does not follow"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def source(name):
    place = REPOSITORY.joinpath(*name.split("."))
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)
