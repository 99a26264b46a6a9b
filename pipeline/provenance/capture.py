"""Takes down what a run is made of before its first node, and looks again after its last."""

import importlib.metadata
import json
import platform
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pipeline.delivery import git
from pipeline.errors import ConfigurationError, RunError
from pipeline.model.folder import ModelFolder
from pipeline.places import in_utf8
from pipeline.provenance import code_files, kept_tree
from pipeline.provenance.facts import Code, Environment
from pipeline.provenance.kept_tree import Tree
from settings import REPOSITORY

UNKNOWN = "unknown"  # the commit of files that git does not know
NAMED = 20  # files in a sentence
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

    Raises ConfigurationError where they are too large to be kept or one can't be read; where git
    knows nothing of them, or can write nothing, the reason is told.
    """
    files = code_files.digests(repository, model)
    try:
        commit = git.commit(repository, "HEAD")
        untracked_files = kept_tree.untracked(repository)
        facts = Code(
            commit=commit or UNKNOWN,
            reason=None if commit else f"{repository} has no commit yet",
            repository=git.origin(repository),
            untracked_files=_told(untracked_files),
            files=files,
        )
    except RunError as error:
        return Code(commit=UNKNOWN, reason=str(error), files=files)
    try:
        changed_files = git.uncommitted(repository)
        facts = replace(facts, changed_files=_told(changed_files))
        if model.path.is_relative_to(repository):
            return _kept(facts, repository, run, model)
    except RunError as error:
        return replace(facts, not_kept=str(error))
    reason = f"the model's folder {model.path} lies outside of {repository}"
    return replace(facts, not_kept=reason)


def _told(names: Iterable[str]) -> list[str]:
    return [in_utf8(name) for name in names]


def _kept(facts: Code, repository: Path, run: str, model: ModelFolder) -> Code:
    paths = code_files.paths(repository, model).values()
    # The rows have a digest of their own, and git need not hold them.
    files = [path for path in paths if path.resolve() != model.source]
    commit = None if facts.commit == UNKNOWN else facts.commit
    tree = kept_tree.keep(repository, run, commit, files)
    problems = "; ".join(_told(_problems(tree)))
    return replace(facts, tree=tree.hash, kept=tree.ref, not_kept=problems or None)


def _problems(tree: Tree) -> Iterator[str]:
    """What of the files that ran is not in their tree."""
    if tree.lacking:
        folders = ", ".join(tree.lacking)
        yield f"git keeps no files of a repository inside another: {folders}"
    if tree.missing:
        names, hidden_names = tree.missing[:NAMED], tree.missing[NAMED:]
        others = f" and {len(hidden_names)} more" if hidden_names else ""
        listed = ", ".join(names)
        yield f"git ignores files that train, or has a link in their place: {listed}{others}"


def of_commit(repository: Path, commit: str, model: ModelFolder) -> Code:
    """The files of a commit; those that train are known where it is checked out."""
    try:
        head = git.commit(repository, "HEAD")
        tree = git.tree(repository, commit)
    except RunError as error:
        return Code(commit=commit, reason=str(error))
    files = code_files.digests(repository, model) if head == commit else {}
    return Code(commit=commit, tree=tree, changed_files=[], untracked_files=[], files=files)


def changes(repository: Path, before: Code, model: ModelFolder) -> list[str]:
    """What is no longer as it was captured: files that train, and the commit."""
    try:
        files = code_files.digests(repository, model)
    except ConfigurationError as error:
        return [str(error)]
    entries = before.files.items() ^ files.items()
    names = {name for name, _ in entries}
    changed = sorted(names)
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
    text = lock_file.read_text(encoding="utf-8")
    lock = json.loads(text)
    pipfile_hash = lock["_meta"]["hash"]
    return Environment(
        python=platform.python_version(),
        pipfile_lock_sha256=pipfile_hash["sha256"],
        packages={name: importlib.metadata.version(name) for name in PACKAGES},
        image=image,
    )
