"""The modules that train every model on a change are the imports of the job and its nodes."""

import ast

from pipeline.delivery.route import Change, route_of
from settings import REPOSITORY

SERVING = {
    "pipeline/serving/__init__.py",
    "pipeline/serving/engine_process.py",
    "pipeline/serving/row_key.py",
    "pipeline/serving/session.py",
}  # which only ask a model that is trained
SPARED = {
    "pipeline/__init__.py",
    "pipeline/author.py",  # names who ran a Pusher
    "pipeline/errors.py",
    "pipeline/gcp/__init__.py",
    "pipeline/gcp/clients.py",
    "pipeline/gcp/protocols.py",
    "pipeline/manifest.py",  # looks whether a model is what was made, and makes none
    "pipeline/progress.py",
    "pipeline/serving/numbers.py",  # refuses rows, and makes no model another one
    *SERVING,
}


def test_what_the_job_and_its_nodes_import_trains_every_model():
    """The imports of job, components, model and spec decide about a trained model.

    Only what is spared does not.
    """
    pipeline = REPOSITORY / "pipeline"
    begin = [pipeline / "spec.py"]
    for folder in ("job", "components", "model"):
        begin += pipeline.glob(f"{folder}/*.py")

    files = imported_from(begin)

    imported = {str(file.relative_to(REPOSITORY)) for file in files}
    training = {path for path in imported if trains(path)}
    assert imported - training == SPARED
    assert len(training) > 20


def trains(path):
    """Whether an edit of this file trains models."""
    change = Change(path, "modified")
    route = route_of([change], {"cab"})
    return bool(route.models)


def imported_from(files):
    """These files and all their imports from this repository, direct or not.

    An import may be at the top or inside a function.
    """
    visited, waiting = set(), list(files)
    while waiting:
        file = waiting.pop()
        if file not in visited:
            visited.add(file)
            modules = map(source, imported_names(file))
            waiting += filter(None, modules)
    return visited


def imported_names(file):
    """The names of the file's imported modules, and of its imports from them."""
    text = file.read_text()
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: a relative import, which this walk does not follow"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def source(name):
    """The file of this module, or None for a module from outside this repository."""
    parts = name.split(".")
    place = REPOSITORY.joinpath(*parts)
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.is_file():
            return file
    return None
