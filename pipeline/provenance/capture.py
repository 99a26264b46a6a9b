"""Takes down what a run is made of before its first node, and looks again after its last."""

import importlib.metadata
import json
import platform
from dataclasses import replace
from pathlib import Path

from pipeline.delivery import git
from pipeline.errors import RunError
from pipeline.model.folder import ModelFolder
from pipeline.provenance import code_files, kept_tree
from pipeline.provenance.facts import Code, Environment
from settings import REPOSITORY

UNKNOWN = "unknown"  # the commit of files that git does not know
PACKAGES = (
    "apache-beam",
    "keras",
    "numpy",
    "pyarrow",
    "tensorflow",
    "tensorflow-data-validation",
    "tensorflow-model-analysis",
    "tensorflow-transform",
    "tfx",
    "tfx-bsl",
)


def code(repository: Path, model: ModelFolder, run: str) -> Code:
    """The files as they are, kept under the run's ref where they differ from their commit.

    Raises ConfigurationError where they are too large to be kept; where git knows nothing of them,
    or can write nothing, the reason is told.
    """
    files = code_files.digests(repository, model)
    try:
        commit = git.commit(repository, "HEAD")
        changed_files = git.uncommitted(repository)
        untracked_files = kept_tree.untracked(repository)
        origin = git.origin(repository)
    except RunError as error:
        return Code(commit=UNKNOWN, reason=str(error), files=files)
    facts = Code(
        commit=commit or UNKNOWN,
        reason=None if commit else f"{repository} has no commit yet",
        repository=origin,
        changed_files=changed_files,
        untracked_files=untracked_files,
        files=files,
    )
    if not model.path.is_relative_to(repository):
        reason = f"the model's folder {model.path} lies outside of {repository}"
        return replace(facts, not_kept=reason)
    try:
        tree, ref = kept_tree.keep(repository, run, commit)
    except RunError as error:
        return replace(facts, not_kept=str(error))
    return replace(facts, tree=tree, kept=ref)


def of_commit(repository: Path, commit: str, model: ModelFolder) -> Code:
    """The files of a commit; those that train are known where it is checked out."""
    try:
        head = git.commit(repository, "HEAD")
        tree = git.tree(repository, commit)
    except RunError as error:
        return Code(commit=commit, reason=str(error))
    files = code_files.digests(repository, model) if head == commit else {}
    return Code(commit=commit, tree=tree, files=files)


def changes(repository: Path, before: Code, model: ModelFolder) -> list[str]:
    """What is no longer as it was captured: files that train, and the commit."""
    files = code_files.digests(repository, model)
    names = before.files.keys() | files.keys()
    changed = [name for name in sorted(names) if before.files.get(name) != files.get(name)]
    try:
        commit = git.commit(repository, "HEAD") or UNKNOWN
    except RunError:
        commit = UNKNOWN
    if commit != before.commit:
        changed.append(f"the commit, now {commit}")
    return changed


def environment(image: str | None = None) -> Environment:
    """The venv of this process; `image` is the one that the nodes ran in, by digest."""
    lock_file = REPOSITORY / "Pipfile.lock"
    lock = json.loads(lock_file.read_text(encoding="utf-8"))
    return Environment(
        python=platform.python_version(),
        pipfile_lock_sha256=lock["_meta"]["hash"]["sha256"],
        packages={name: importlib.metadata.version(name) for name in PACKAGES},
        image=image,
    )
