"""Runs git in a folder of ours; no other module of pipeline runs it.

The GIT_* of a hook, an alias or a shell would name another repository. A folder unpacked inside a
repository is not in its commits.
"""

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import RunError

# Of git's variables, where git itself and its configuration lie. pre-commit keeps such a list, too:
# https://github.com/pre-commit/pre-commit/blob/main/pre_commit/git.py
KEPT = ("GIT_EXEC_PATH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
# safe.directory may be there: https://git-scm.com/docs/git-config#_environment
KEPT_PREFIXES = ("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")
SET = {
    "LC_ALL": "C",  # its messages are read below
    "GIT_OPTIONAL_LOCKS": "0",  # a question takes no lock from a person who commits meanwhile
    "GIT_NO_REPLACE_OBJECTS": "1",  # refs/replace are of this clone alone
}
# Git's words since 2.35.3, and in 2.35.2 (https://git-scm.com/docs/git-config, safe.directory).
OTHER_OWNER = ("dubious ownership", "is owned by someone else")


def own_variables() -> dict[str, str]:
    """Return this process's variables without git's pointers to another repository."""
    own = {}
    for name, value in os.environ.items():
        is_git_s = name.startswith("GIT_")
        if not is_git_s or name in KEPT or name.startswith(KEPT_PREFIXES):
            own[name] = value
    return own | SET


def answer(
    folder: Path,
    *arguments: str,
    missing: int | None = None,
    variables: Mapping[str, str] | None = None,
) -> str | None:
    """Return git's output in `folder`, or None if it exits with `missing`.

    Git exits with that code if the thing asked for does not exist. `variables` are set for git
    beside those of this process. Raises RunError where `folder` is in no repository, or in one that
    does not hold it.
    """
    prefix = _run(folder, "rev-parse", "--show-prefix")
    if prefix and prefix.strip():
        _refuse_stranger(folder)
    return _run(folder, *arguments, missing=missing, variables=variables)


def _refuse_stranger(folder: Path) -> None:
    """Raise RunError for a folder inside a repository but outside its commit."""
    tree = _run(folder, "rev-parse", "--verify", "--quiet", "HEAD:./", missing=1)
    if tree is None:
        repository = _run(folder, "rev-parse", "--show-toplevel") or ""
        raise RunError(
            f"{folder} is no git checkout: it lies in the repository {repository.strip()}, "
            "whose commit does not hold it"
        )


def _run(
    folder: Path,
    *arguments: str,
    missing: int | None = None,
    variables: Mapping[str, str] | None = None,
) -> str | None:
    # Hooks are for what a person does.
    command = ["git", "-c", "core.hooksPath=/dev/null", "-C", str(folder), *arguments]
    environment = own_variables() | dict(variables or {})
    try:
        process = subprocess.run(command, capture_output=True, env=environment)
    except FileNotFoundError as error:
        raise RunError("there is no git on this machine, which knows the commits") from error
    except OSError as error:
        raise RunError(f"git cannot be run: {error}") from error
    if process.returncode == missing:
        return None
    if process.returncode:
        words = os.fsdecode(process.stderr).split()
        raise RunError(_failure(folder, arguments[0], " ".join(words)))
    return os.fsdecode(process.stdout)


def _failure(folder: Path, subcommand: str, message: str) -> str:
    if any(words in message for words in OTHER_OWNER):
        return (
            f"git reads nothing in {folder}, which another account owns (dubious ownership): "
            f"`git config --global --add safe.directory {shlex.quote(str(folder))}` allows it"
        )
    return f"git {subcommand} failed in {folder}: {message[:200]}"
