"""Keeps the files of a run that differ from their commit: as a commit of their own, under a ref.

The index is a temporary one: what a person has staged, stashed or checked out stays as it is.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple

from pipeline.delivery.git_process import answer
from pipeline.errors import ConfigurationError

REFS = "refs/esteira/runs/"  # no `git push` sends them, with --all or --tags neither
LARGEST = 20_000_000  # bytes of all untracked files together
AUTHOR = {
    "GIT_AUTHOR_NAME": "Esteira",
    "GIT_AUTHOR_EMAIL": "esteira@localhost",
    "GIT_COMMITTER_NAME": "Esteira",
    "GIT_COMMITTER_EMAIL": "esteira@localhost",
}


class Tree(NamedTuple):
    """Git's hash of all files, and the ref that keeps them: None where they are a commit's."""

    hash: str
    ref: str | None


def untracked(repository: Path) -> list[str]:
    """The files that git neither tracks nor ignores, by their paths below `repository`.

    Raises ConfigurationError where they are too large to be kept.
    """
    output = answer(repository, "ls-files", "-z", "--others", "--exclude-standard") or ""
    names = output.split("\0")[:-1]
    sizes = {name: _size(repository / name) for name in names}
    total = sum(sizes.values())
    if total > LARGEST:
        largest = max(sizes, key=lambda name: sizes[name])
        raise ConfigurationError(
            f"{repository}: files that git does not know hold {total / 1e6:,.0f} MB, allowed are "
            f"{LARGEST / 1e6:.0f} MB, since a run keeps what it ran: commit, ignore or move them, "
            f"the largest is {largest} ({sizes[largest] / 1e6:,.0f} MB)"
        )
    return names


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except FileNotFoundError:  # removed meanwhile
        return 0


def keep(repository: Path, run: str, commit: str | None) -> Tree:
    """Keep the files as they are; those of the commit alone need no ref."""
    tree = hash_of(repository, commit)
    if commit and tree == _answer(repository, "rev-parse", f"{commit}^{{tree}}"):
        return Tree(tree, None)
    parents = ["-p", commit] if commit else []
    message = f"The files that the run {run} ran"
    kept_commit = _answer(
        repository, "commit-tree", tree, *parents, "-m", message, variables=AUTHOR
    )
    ref = f"{REFS}{run}"
    _answer(repository, "update-ref", ref, kept_commit)
    return Tree(tree, ref)


def hash_of(repository: Path, commit: str | None) -> str:
    """Git's hash of all files as they are now; the objects are written."""
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": f"{folder}/index"}
        # A copy of the index in use would also take over what it hides: assume-unchanged.
        _answer(repository, "read-tree", commit or "--empty", variables=index)
        _answer(repository, "add", "--all", variables=index)
        return _answer(repository, "write-tree", variables=index)


def _answer(repository: Path, *arguments: str, variables: dict[str, str] | None = None) -> str:
    output = answer(repository, *arguments, variables=variables)
    return (output or "").strip()
