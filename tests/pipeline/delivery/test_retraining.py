"""The modules that train every model on a change are the imports of the job and its nodes."""

import ast

from pipeline.delivery.route import Change, route_of
from settings import REPOSITORY

SERVING = {
    "pipeline/serving/__init__.py",
    "pipeline/serving/engine_process.py",
    "pipeline/serving/row_key.py",
}  # which only ask a model that is trained
SPARED = {
    "pipeline/__init__.py",
    "pipeline/errors.py",
    "pipeline/gcp/clients.py",
    "pipeline/gcp/protocols.py",
    "pipeline/progress.py",
    *SERVING,
}


def test_what_the_job_and_its_nodes_import_trains_every_model():
    """The imports of job, components, model and spec decide about a trained model.

    Only what is spared does not.
    """
    folders = [REPOSITORY / "pipeline" / name for name in ("job", "components", "model")]
    begin = [file for folder in folders for file in folder.glob("*.py")]

    files = imported_from([*begin, REPOSITORY / "pipeline/spec.py"])

    imported = {str(file.relative_to(REPOSITORY)) for file in files}
    trains = {file for file in imported if route_of([Change(file, "modified")], {"cab"}).models}
    assert imported - trains == SPARED
    assert len(trains) > 20


def imported_from(files):
    """These files and all their imports from this repository, direct or not.

    An import may be at the top or inside a function.
    """
    visited, waiting = set(), list(files)
    while waiting:
        if (file := waiting.pop()) not in visited:
            visited.add(file)
            waiting += (module for name in imported_names(file) if (module := source(name)))
    return visited


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
    return next(
        (file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None
    )
