"""Reads changes and models from git's history.

It asks git only for what this clone holds: it uses no network.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Literal, NamedTuple

from pipeline.delivery.route import Change, Route, everything, route_of
from pipeline.errors import ConfigurationError, RunError
from settings.names import MODEL_NAME

HASH = re.compile(r"[0-9a-f]{7,64}")
# the others, M and T, are modifications
WHAT: dict[str, Literal["added", "modified", "deleted"]] = {"A": "added", "D": "deleted"}


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
    output = _git(
        repository,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{revision}^{{commit}}",
        missing=1,
    )
    return output and output.strip()


def uncommitted(repository: Path) -> list[str]:
    """Return the changed and new files, compared with the commit checked out."""
    entries = _entries(repository, "status", "--porcelain", "-z", "--no-renames")
    return [entry[3:] for entry in entries]


def is_on(repository: Path, commit: str, branch: str) -> bool:
    """Say whether this clone has seen the commit on GitHub's `branch`.

    Raises RunError for a branch that the clone never saw.
    """
    remote_branch = f"origin/{branch}"
    if _git(repository, "rev-parse", "--verify", "--quiet", remote_branch, missing=1) is None:
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
    output = _git(repository, "merge-base", "--is-ancestor", revision, descendant, missing=1)
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
    """Return the folders of models/ with a model.toml in this commit.

    Each is checked to be a model's name.
    """
    entries = _entries(repository, "ls-tree", "-r", "-z", "--name-only", after, "models/")
    paths = [entry.split("/") for entry in entries]
    names = {path[1] for path in paths if path[2:] == ["model.toml"]}
    if wrong_names := sorted(name for name in names if not MODEL_NAME.fullmatch(name)):
        raise ConfigurationError(
            f"models/: a model's folder is named {wrong_names[0]!r}, "
            f"allowed is {MODEL_NAME.pattern}"
        )
    return frozenset(names)


def _absence(repository: Path, base: str) -> str:
    shallow = _git(repository, "rev-parse", "--is-shallow-repository") == "true\n"
    reason = (
        "this clone is shallow, `git fetch --unshallow` brings the rest"
        if shallow
        else "as after a force push"
    )
    return f"the base {base} is not in {repository} ({reason})"


def _entries(repository: Path, *arguments: str) -> list[str]:
    return (_git(repository, *arguments) or "").split("\0")[:-1]


def _git(repository: Path, *arguments: str, missing: int | None = None) -> str | None:
    """Return the output of git, or None if it exits with `missing`.

    Git exits with that code if the thing asked for does not exist.
    """
    try:
        process = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True)
    except FileNotFoundError as error:
        raise RunError(
            "there is no git on this machine, and a route is read from its history"
        ) from error
    if process.returncode == missing:
        return None
    if process.returncode:
        message = " ".join(os.fsdecode(process.stderr).split())
        raise RunError(f"git {arguments[0]} failed in {repository}: {message}")
    return os.fsdecode(process.stdout)
