"""What a reproduction needs, and which of it is gone."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.delivery import git
from pipeline.errors import ConfigurationError, RunError
from pipeline.model.folder import ModelFolder
from pipeline.provenance.capture import UNKNOWN
from pipeline.reproduction.origin import Origin
from settings import MODELS, REPOSITORY


def gone(asked: Origin, artifacts: Mapping[str, Mapping[str, Path]]) -> list[str]:
    """A sentence's part for each thing that a reproduction needs and that is not there."""
    return [*_code_gone(asked), *_data_gone(asked), *artifacts_gone(artifacts)]


def _code_gone(asked: Origin) -> Iterator[str]:
    code = asked.code
    if code.get("not_kept"):
        yield f"the files that ran were not kept ({code['not_kept']})"
    elif code["commit"] == UNKNOWN and not code.get("kept"):
        yield f"the commit is unknown ({code.get('reason')})"
    else:
        try:
            yield from _files_gone(asked)
        except RunError as error:  # git is gone, or its repository
            yield str(error)


def _files_gone(asked: Origin) -> Iterator[str]:
    if git.commit(REPOSITORY, asked.revision) is None:
        yield f"{asked.revision} is not in {REPOSITORY}"
        return
    for file in (f"models/{asked.model}/model.toml", "Pipfile.lock", "build/environment"):
        if not git.has(REPOSITORY, asked.revision, file):
            yield f"{file} is not among the files of {asked.revision}"


def _data_gone(asked: Origin) -> Iterator[str]:
    """Rows that the commit does not hold must be here; a table in BigQuery is not asked."""
    source = source_of(MODELS / asked.model)
    if source is None or _is_committed(asked, source):
        return
    problem = data_problem(asked, source)
    if problem is not None:
        yield problem


def source_of(folder: Path) -> Path | None:
    """The file of rows that a model's folder names.

    None for a folder that is gone, or is no model to this checkout: the run's own may differ.
    """
    try:
        return ModelFolder(folder).source
    except ConfigurationError:
        return None


def _is_committed(asked: Origin, source: Path) -> bool:
    """Whether the commit holds the file of rows."""
    folder = MODELS / asked.model
    if not source.is_relative_to(folder):
        return False
    place = source.relative_to(folder)
    try:
        return git.has(REPOSITORY, asked.revision, f"models/{asked.model}/{place}")
    except RunError:
        return False


def data_problem(asked: Origin, source: Path) -> str | None:
    """Why the file is not the one that was read, or None."""
    if asked.data_sha256 is None:
        return None
    if not source.is_file():
        return f"the data {source} is gone"
    with source.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if digest == asked.data_sha256:
        return None
    return f"the data {source} has changed ({digest[:12]}, it was {asked.data_sha256[:12]})"


def artifacts_gone(artifacts: Mapping[str, Mapping[str, Path]]) -> Iterator[str]:
    for node, outputs in artifacts.items():
        for folder in outputs.values():
            if not folder.exists():
                yield f"the {node}'s {folder} is gone"
