"""Reads changes and models from git's history.

It asks git only for what this clone holds: it uses no network.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from pipeline.delivery.git_process import answer
from pipeline.delivery.route import Change, Route, everything, route_of
from pipeline.errors import ConfigurationError, RunError
from settings.models import Entry, Kind, ModelError, names
from settings.names import MODEL_NAME

HASH = re.compile(r"[0-9a-f]{7,64}")
# the others, M and T, are modifications
WHAT: dict[str, Literal["added", "modified", "deleted"]] = {"A": "added", "D": "deleted"}
# of git's modes; the others are files (https://git-scm.com/docs/git-fast-import, filemodify)
KINDS: dict[str, Kind] = {"120000": "link", "160000": "submodule", "040000": "folder"}


class Routed(NamedTuple):
    route: Route
    notice: str | None  # why everything is delivered, where a base was given all the same


def routed(repository: Path, *, base: str | None, head: str) -> Routed:
    """Return the route from `base`, the commit last delivered, to `head`.

    A base that is None, or a commit that is gone, makes the route everything.
    """
    head_commit = commit(repository, head)
    if head_commit is None:
        raise ConfigurationError(f"--head is {head!r}, allowed is a commit of {repository}")
    if base is None:
        return Routed(everything(models(repository, head_commit)), None)
    base_commit = commit(repository, base)
    if base_commit is not None:
        differences = changes(repository, base_commit, head_commit)
        return Routed(route_of(differences, models(repository, head_commit)), None)
    if not HASH.fullmatch(base):  # a misspelt name is no reason to train every model
        raise ConfigurationError(
            f"--base is {base!r}, allowed is a commit of {repository}, "
            "and the hash of one that is gone"
        )
    return Routed(
        everything(models(repository, head_commit)),
        f"{_absence(repository, base)}: everything counts as changed",
    )


def commit(repository: Path, revision: str) -> str | None:
    """Return the full hash of the commit of `revision`, or None if it names no commit."""
    output = answer(
        repository,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{revision}^{{commit}}",
        missing=1,
    )
    return output and output.strip()


def tree(repository: Path, revision: str) -> str | None:
    """Return git's hash of all files of the commit, or None if there is no such commit."""
    output = answer(
        repository, "rev-parse", "--verify", "--quiet", f"{revision}^{{tree}}", missing=1
    )
    return output and output.strip()


def origin(repository: Path) -> str | None:
    """Return the https or ssh address of the remote `origin`, without credentials.

    Returns None where there is none, or a folder of this machine.
    """
    output = answer(repository, "config", "--get", "remote.origin.url", missing=1)
    url = (output or "").strip()
    if match := re.fullmatch(r"([\w.-]+@)?([\w.-]+):(?!/)(.+)", url):
        _, host, path = match.groups()
        return f"ssh://{host}/{path}"
    if match := re.fullmatch(r"(https|ssh)://([^/@]*@)?([^/@]+)/([^?#]+)", url):
        scheme, _, host, path = match.groups()
        return f"{scheme}://{host}/{path}"
    return None


def has(repository: Path, revision: str, path: str) -> bool:
    """Say whether the commit holds this path, which is relative to `repository`."""
    name = f"{revision}:./{path}"
    return answer(repository, "rev-parse", "--verify", "--quiet", name, missing=1) is not None


def content(repository: Path, revision: str, path: str) -> str:
    """Return the text of a file of the commit; `path` is relative to `repository`."""
    return answer(repository, "show", "--end-of-options", f"{revision}:./{path}") or ""


def difference(repository: Path, before: str, after: str, paths: list[str]) -> str:
    """Return the lines that differ between two commits in these files."""
    options = ("--no-color", "--no-ext-diff", "--no-renames", "--relative", "--end-of-options")
    variables = {"GIT_LITERAL_PATHSPECS": "1"}  # a path may hold a pattern's characters
    arguments = ("diff", *options, before, after, "--", *paths)
    return answer(repository, *arguments, variables=variables) or ""


def description(repository: Path) -> str:
    """Return the hash of the commit checked out, and whether files differ from it."""
    options = ("--always", "--abbrev=40", "--dirty", "--exclude=*")
    return (answer(repository, "describe", *options) or "").strip()


def uncommitted(repository: Path) -> list[str]:
    """Return the changed and new files, compared with the commit checked out.

    No configuration of git hides one.
    """
    options = ("--no-renames", "--untracked-files=normal", "--ignore-submodules=none")
    entries = _entries(repository, "status", "--porcelain", "-z", *options, "--", ".")
    return [entry[3:] for entry in entries]


def is_on(repository: Path, commit: str, branch: str) -> bool:
    """Say whether this clone has seen the commit on GitHub's `branch`.

    Raises RunError for a branch that the clone never saw.
    """
    remote_branch = f"origin/{branch}"
    if answer(repository, "rev-parse", "--verify", "--quiet", remote_branch, missing=1) is None:
        raise RunError(
            f"{repository} knows no {remote_branch}: `git fetch origin {branch}` brings it, "
            "or github.branch in environments.py names another one"
        )
    return is_ancestor(repository, commit, remote_branch)


def is_ancestor(repository: Path, revision: str, descendant: str) -> bool:
    """Say whether `descendant` holds all of `revision`, itself included.

    A commit that is gone holds nothing.
    """
    if any(commit(repository, name) is None for name in (revision, descendant)):
        return False
    output = answer(repository, "merge-base", "--is-ancestor", revision, descendant, missing=1)
    return output is not None


def changes(repository: Path, before: str, after: str) -> list[Change]:
    """Return the differences between two commits, regardless of those between.

    Paths are relative to `repository`, as git holds them.
    """
    # plumbing: unlike `git diff` it heeds no configuration that finds renames or leaves out files
    fields = _entries(
        repository, "diff-tree", "-r", "-z", "--relative", "--name-status", before, after
    )
    return [
        Change(path, WHAT.get(status, "modified"))
        for status, path in zip(fields[::2], fields[1::2], strict=True)
    ]


def models(repository: Path, after: str) -> frozenset[str]:
    """Return the models of this commit.

    Each is checked to have a model's name, and to be no link or submodule.
    """
    try:
        folders = names(_models_entries(repository, after))
    except ModelError as error:
        raise ConfigurationError(str(error)) from error
    if wrong_names := sorted(name for name in folders if not MODEL_NAME.fullmatch(name)):
        raise ConfigurationError(
            f"models/: a model's folder is named {wrong_names[0]!r}, "
            f"allowed is {MODEL_NAME.pattern}"
        )
    return frozenset(folders)


def _models_entries(repository: Path, after: str) -> Iterator[Entry]:
    for line in _entries(repository, "ls-tree", "-r", "-t", "-z", after, "models"):
        details, _, path = line.partition("\t")
        mode, *_ = details.split()
        below_models = path.removeprefix("models").lstrip("/")
        yield Entry(below_models, KINDS.get(mode, "file"))


def _absence(repository: Path, base: str) -> str:
    shallow = answer(repository, "rev-parse", "--is-shallow-repository") == "true\n"
    reason = (
        "this clone is shallow, `git fetch --unshallow` brings the rest"
        if shallow
        else "as after a force push"
    )
    return f"the base {base} is not in {repository} ({reason})"


def _entries(repository: Path, *arguments: str) -> list[str]:
    return (answer(repository, *arguments) or "").split("\0")[:-1]
