"""The modules whose change trains every model are kept in step with what the job and its nodes import."""

import ast

from pipeline.delivery.route import TRAINING_MODULES, Change, route
from settings import REPOSITORY

SERVING = {"pipeline/serving/__init__.py", "pipeline/serving/engine_process.py"}  # which only ask a model that is trained
SPARED = {"pipeline/__init__.py", "pipeline/errors.py", "pipeline/google_cloud.py", "pipeline/progress.py", *SERVING}


def test_the_retraining_modules_are_those_that_the_job_and_its_nodes_import():
    """Whatever container, dag, spec, runners, evaluation and the components import of ours decides what a trained model is, but for what is spared."""
    begin = [REPOSITORY / f"pipeline/{name}.py" for name in ("container", "dag", "spec", "runners", "evaluation")]
    files = imported_from([*begin, *(REPOSITORY / "pipeline/components").glob("*.py")])

    ours = {str(file.relative_to(REPOSITORY)) for file in files if "components" not in file.parts}
    settings = {"settings/__init__.py", "settings/names.py"}
    assert ours - SPARED == {*(f"pipeline/{module}.py" for module in TRAINING_MODULES), *settings}
    assert all(route([Change(file, "modified")], {"cab"}).models for file in ours - SPARED)
    assert not SPARED - ours


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
