"""Keeps the files of a run that differ from their commit: as a commit of their own, under a ref.

The index is a temporary one: what a person has staged, stashed or checked out stays as it is.
"""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.delivery import git
from pipeline.delivery.git_process import answer
from pipeline.errors import ConfigurationError, RunError
from pipeline.provenance import tree_gaps
from pipeline.provenance.tree_gaps import Modes

REFS = "refs/esteira/runs/"  # no `git push` sends them, with --all or --tags neither
LARGEST = 20_000_000  # bytes of all untracked files together
AUTHOR = {
    "GIT_AUTHOR_NAME": "Esteira",
    "GIT_AUTHOR_EMAIL": "esteira@localhost",
    "GIT_COMMITTER_NAME": "Esteira",
    "GIT_COMMITTER_EMAIL": "esteira@localhost",
}

Variables = dict[str, str]  # of git's environment


class Tree(NamedTuple):
    """Git's hash of all files, and the ref that keeps them: None where they are a commit's.

    `lacking` are the repositories inside this one whose files are in no commit of theirs, or whose
    commits only this machine has. `missing` are files that the tree should have, and has not.
    """

    hash: str
    ref: str | None
    lacking: list[str]
    missing: list[str]


def untracked(repository: Path) -> list[str]:
    """The files that git neither tracks nor ignores, by their paths below `repository`.

    Raises ConfigurationError where they are too large to be kept.
    """
    output = answer(repository, "ls-files", "-z", "--others", "--exclude-standard") or ""
    *names, _ = output.split("\0")
    sizes = {name: _size(repository / name) for name in names}
    total = sum(sizes.values())
    if total > LARGEST:
        largest = max(sizes, key=lambda name: sizes[name])
        largest_size = _megabytes(sizes[largest])
        raise ConfigurationError(
            f"{repository}: files that git does not know hold {_megabytes(total)}, allowed are "
            f"{_megabytes(LARGEST)}, since a run keeps what it ran: commit, ignore or move them, "
            f"the largest is {largest} ({largest_size})"
        )
    return names


def current(repository: Path, commit: str | None) -> str:
    """Git's hash of all files as they are now, which no ref keeps."""
    with _index(repository, commit) as index:
        return _answer(repository, "write-tree", variables=index)


def bundle(repository: Path, run: str, commit: str, base: str) -> bytes | None:
    """What `git fetch` reads the run's ref from where `base` is known.

    Returns None for a run of a commit that `base` holds. A run of an unchanged commit gets its ref
    here, since a bundle holds no other.
    """
    ref = f"{REFS}{run}"
    if git.commit(repository, ref) is None:
        if git.is_ancestor(repository, commit, base):
            return None
        _answer(repository, "update-ref", ref, commit)
    with _folder() as folder:
        file = Path(folder) / "bundle"
        _answer(repository, "bundle", "create", "--quiet", str(file), ref, f"^{base}")
        return file.read_bytes()


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except FileNotFoundError:  # removed meanwhile
        return 0


def keep(repository: Path, run: str, commit: str | None, files: Iterable[Path]) -> Tree:
    """Keep all files as they are; those of the commit alone need no ref.

    `files` are those that must be among them.
    """
    with _index(repository, commit) as index:
        tree = _answer(repository, "write-tree", variables=index)
        modes = _modes(repository, index)
    lacking = tree_gaps.lacking(repository, modes)
    missing = tree_gaps.missing(repository, modes, files)
    if commit and tree == git.tree(repository, commit):
        return Tree(tree, None, lacking, missing)
    parents = ["-p", commit] if commit else []
    message = f"The files that the run {run} ran"
    kept_commit = _answer(
        repository, "commit-tree", tree, *parents, "-m", message, variables=AUTHOR
    )
    ref = f"{REFS}{run}"
    _answer(repository, "update-ref", ref, kept_commit)
    return Tree(tree, ref, lacking, missing)


def forget(repository: Path, runs: Iterable[str]) -> None:
    """Remove the refs of runs; git's next `gc` removes the files that no other commit has."""
    output = _answer(repository, "for-each-ref", "--format=%(refname)", REFS)
    refs = output.splitlines()
    for run in runs:
        ref = f"{REFS}{run}"
        if ref in refs:
            _answer(repository, "update-ref", "-d", ref)


@contextlib.contextmanager
def _index(repository: Path, commit: str | None) -> Iterator[Variables]:
    """The variables of a temporary index of all files as they are now; their objects are kept."""
    with _folder() as name:
        index = {"GIT_INDEX_FILE": f"{name}/index"}
        # A copy of the index in use would also take over what it hides: assume-unchanged.
        _answer(repository, "read-tree", commit or "--empty", variables=index)
        _answer(repository, "add", "--all", variables=index)
        yield index


def _folder() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory()
    except OSError as error:
        raise RunError(f"no temporary folder can be made: {error}") from error


def _modes(repository: Path, index: Variables) -> Modes:
    """Map the path below `repository` of each entry to git's mode of it."""
    output = answer(repository, "ls-files", "-z", "--stage", variables=index) or ""
    modes = {}
    *entries, _ = output.split("\0")
    for entry in entries:
        facts, name = entry.split("\t", 1)
        mode, *_ = facts.split()
        modes[name] = mode
    return modes


def _answer(repository: Path, *arguments: str, variables: Variables | None = None) -> str:
    output = answer(repository, *arguments, variables=variables)
    return (output or "").strip()
