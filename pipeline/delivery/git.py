"""Reads changes and models from git's history, which is asked for nothing but what this clone holds: no network."""

import os
import re
import subprocess
from pathlib import Path
from typing import Literal, NamedTuple

from pipeline.delivery.route import Change, Route, everything, route
from pipeline.errors import ConfigurationError, RunError
from settings.names import MODEL_NAME

HASH = re.compile(r"[0-9a-f]{7,64}")
WHAT: dict[str, Literal["added", "modified", "deleted"]] = {
    "A": "added",
    "D": "deleted",
}  # the others, M and T, are modifications


class Routed(NamedTuple):
    route: Route
    notice: str | None  # why everything is delivered, where a base was given all the same


def routed(repository: Path, *, base: str | None, head: str) -> Routed:
    """The route from `base`, the commit that was last delivered, to `head`; None and a commit that is gone make it everything."""
    after = commit(repository, head)
    if after is None:
        raise ConfigurationError(f"--head is {head!r}, allowed is a commit of {repository}")
    if base is None:
        return Routed(everything(models(repository, after)), None)
    before = commit(repository, base)
    if before is not None:
        return Routed(route(changes(repository, before, after), models(repository, after)), None)
    if not HASH.fullmatch(base):  # a misspelt name is no reason to train every model
        raise ConfigurationError(
            f"--base is {base!r}, allowed is a commit of {repository}, and the hash of one that is gone"
        )
    return Routed(
        everything(models(repository, after)),
        f"{_absence(repository, base)}: everything counts as changed",
    )


def commit(repository: Path, revision: str) -> str | None:
    """The full hash of the commit that `revision` names, None where there is none."""
    named = _git(
        repository,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{revision}^{{commit}}",
        missing=1,
    )
    return named and named.strip()


def uncommitted(repository: Path) -> list[str]:
    """The files that differ from the commit that is checked out, new ones too."""
    return [
        entry[3:] for entry in _entries(repository, "status", "--porcelain", "-z", "--no-renames")
    ]


def is_on(repository: Path, commit: str, branch: str) -> bool:
    """Whether this clone has seen the commit on GitHub's `branch`; RunError for a branch it never saw."""
    seen = f"origin/{branch}"
    if _git(repository, "rev-parse", "--verify", "--quiet", seen, missing=1) is None:
        raise RunError(
            f"{repository} knows no {seen}: `git fetch origin {branch}` brings it, or github.branch in environments.py names another one"
        )
    return is_ancestor(repository, commit, seen)


def is_ancestor(repository: Path, revision: str, of: str) -> bool:
    """Whether `of` holds all of `revision`, itself included; one that is gone holds nothing."""
    there = all(commit(repository, name) is not None for name in (revision, of))
    return (
        there
        and _git(repository, "merge-base", "--is-ancestor", revision, of, missing=1) is not None
    )


def changes(repository: Path, before: str, after: str) -> list[Change]:
    """What differs between two commits, whatever lies between them; paths are relative to `repository`, as git holds them."""
    # plumbing: unlike `git diff` it heeds no configuration that finds renames or leaves out files
    found = _entries(
        repository, "diff-tree", "-r", "-z", "--relative", "--name-status", before, after
    )
    return [
        Change(path, WHAT.get(status, "modified"))
        for status, path in zip(found[::2], found[1::2], strict=True)
    ]


def models(repository: Path, after: str) -> frozenset[str]:
    """The folders of models/ that hold a model.toml in that commit, each checked to be a model's name."""
    paths = [
        path.split("/")
        for path in _entries(repository, "ls-tree", "-r", "-z", "--name-only", after, "models/")
    ]
    names = {path[1] for path in paths if path[2:] == ["model.toml"]}
    if wrong := sorted(name for name in names if not MODEL_NAME.fullmatch(name)):
        raise ConfigurationError(
            f"models/: a model's folder is named {wrong[0]!r}, allowed is {MODEL_NAME.pattern}"
        )
    return frozenset(names)


def _absence(repository: Path, base: str) -> str:
    shallow = _git(repository, "rev-parse", "--is-shallow-repository") == "true\n"
    why = (
        "this clone is shallow, `git fetch --unshallow` brings the rest"
        if shallow
        else "as after a force push"
    )
    return f"the base {base} is not in {repository} ({why})"


def _entries(repository: Path, *arguments: str) -> list[str]:
    return (_git(repository, *arguments) or "").split("\0")[:-1]


def _git(repository: Path, *arguments: str, missing: int | None = None) -> str | None:
    """What git says; None where it exits with `missing`, its way to say that there is no such thing."""
    try:
        done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True)
    except FileNotFoundError as error:
        raise RunError(
            "there is no git on this machine, and a route is read from its history"
        ) from error
    if done.returncode == missing:
        return None
    if done.returncode:
        raise RunError(
            f"git {arguments[0]} failed in {repository}: {' '.join(os.fsdecode(done.stderr).split())}"
        )
    return os.fsdecode(done.stdout)
