"""Git's variables, odd repositories, accounts and locales around `route`.

The route answers for its own clone, or says in a sentence why it cannot.
"""

import functools
import os
import random as generator
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from settings import REPOSITORY
from tests.hostile.case import Case, Outcome
from tests.team import MODELS

NOBODY = 65534
SECONDS = 60
VARIABLES = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_CONFIG"),
    *("GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"),
    *("GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_LITERAL_PATHSPECS"),
    *("GIT_ICASE_PATHSPECS", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"),
    *("GIT_TRACE", "GIT_QUARANTINE_PATH", "GIT_DEFAULT_HASH", "GIT_PAGER", "GIT_EXTERNAL_DIFF"),
    *("GIT_ATTR_SOURCE", "GIT_IMPLICIT_WORK_TREE", "GIT_NO_LAZY_FETCH", "GIT_REF_PARANOIA"),
)
VALUES = ("", "1", "x", ".", "..", "/", "/nowhere", "{other}", "{other}/.git", "{other}/.git/index")
LOCALES = ("C", "POSIX", "C.UTF-8", "en_US.ISO-8859-1", "tr_TR.UTF-8", "ja_JP.SJIS", "no such", "")
REVISIONS = (
    *("", " ", "-x", "--all", "@{-1}", "HEAD~9999", "HEAD^{tree}", "HEAD:models", ":/change"),
    *("a..b", "main...main", "é", "\udcff", "a\nb", "*", "0" * 40, "f" * 41, "HEAD@{1.year.ago}"),
)
PYTHON = {
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONIOENCODING": "ascii",
    "PYTHONUTF8": "0",
    "PYTHONDEVMODE": "1",
    "PYTHONSTARTUP": "/nowhere",
    "PYTHONPYCACHEPREFIX": "/proc/nowhere",
}
Change = Callable[[Path], None]


def cases(random: generator.Random) -> Iterator[Case]:
    """Yield some fifty cases, their kinds mixed."""
    kinds = (_of_variables, _of_repositories, _of_locales, _of_revisions, _of_python)
    mixed = [case for kind in kinds for case in kind(random)]
    random.shuffle(mixed)
    yield from mixed


def _of_variables(random: generator.Random) -> Iterator[Case]:
    for count in (*[1] * 14, 2, 3, 5, 8):
        names = random.sample(VARIABLES, count)
        variables = {name: random.choice(VALUES) for name in names}
        words = [f"{name}={value}" for name, value in variables.items()]
        yield _case(" ".join(words), **variables)


def _of_repositories(_: generator.Random) -> Iterator[Case]:
    for name, change in REPOSITORIES.items():
        yield _case(f"repository: {name}", change)


def _of_locales(random: generator.Random) -> Iterator[Case]:
    for locale in random.sample(LOCALES, 4):
        variables = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        yield _case(f"locale {locale!r}", **variables)


def _of_revisions(random: generator.Random) -> Iterator[Case]:
    for revision in random.sample(REVISIONS, 6):
        flag = random.choice(("--head", "--base"))
        yield _case(f"{flag}={revision!r}", arguments=(f"{flag}={revision}",))


def _of_python(random: generator.Random) -> Iterator[Case]:
    for name in random.sample(sorted(PYTHON), 3):
        yield _case(f"{name}={PYTHON[name]}", **{name: PYTHON[name]})


def _case(
    name: str, change: Change | None = None, arguments: tuple[str, ...] = (), **variables: str
) -> Case:
    return Case(name, functools.partial(_outcome, change, arguments, variables))


def _outcome(
    change: Change | None, arguments: tuple[str, ...], variables: dict[str, str], scratch: Path
) -> Outcome:
    """Route a scratch clone, beside another repository that the variables may name."""
    own, other = scratch / "own", scratch / "other"
    _make(own)
    _git_init(other, "other")
    if change:
        change(own)
    values = {name: value.format(other=other) for name, value in variables.items()}
    command = [sys.executable, "-S", "-m", "pipeline", "route", "--json", *arguments]
    process = subprocess.run(
        command,
        cwd=own,
        env=_plain(scratch) | values,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=SECONDS,
    )
    return Outcome(process.returncode, process.stdout)


def _plain(scratch: Path) -> dict[str, str]:
    """The variables of an account with nothing set."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _make(folder: Path) -> None:
    """A clone with the command line and one model, committed."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("settings", "pipeline"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
    shutil.copytree(MODELS / "cab", folder / "models/cab")
    _git_init(folder, "own")


def _git_init(folder: Path, message: str) -> None:
    folder.mkdir(exist_ok=True)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _commit(folder, message)


def _commit(folder: Path, message: str = "change") -> None:
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--allow-empty", f"--message={message}")


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    command = ["git", "-C", str(folder), *identity, *arguments]
    subprocess.run(command, env=_plain(folder.parent), check=True, capture_output=True)


def _unpacked(own: Path) -> None:
    """A ZIP inside another repository."""
    shutil.rmtree(own / ".git")
    _git_init(own.parent, "around")
    _git(own.parent, "rm", "-r", "--quiet", "--cached", "own")
    _git(own.parent, "commit", "--quiet", "--message=without")


def _subfolder(own: Path) -> None:
    """A part of another repository."""
    shutil.rmtree(own / ".git")
    _git_init(own.parent, "around")


def _given_away(own: Path) -> None:
    if os.geteuid() != 0:
        return
    for path in [own, *own.rglob("*")]:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def _submodule(own: Path) -> None:
    van = own.parent / "van"
    shutil.copytree(MODELS / "cab", van)
    _git_init(van, "van")
    _git(own, "submodule", "--quiet", "add", str(van), "models/van")
    _commit(own)


def _linked(path: str, target: str) -> Change:
    def change(own: Path) -> None:
        link = own / path
        if link.is_dir():
            shutil.rmtree(link)
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        _commit(own)

    return change


def _written(path: str, content: str) -> Change:
    def change(own: Path) -> None:
        (own / path).write_text(content, encoding="utf-8")

    return change


def _removed(path: str) -> Change:
    def change(own: Path) -> None:
        file = own / path
        shutil.rmtree(file) if file.is_dir() else file.unlink()

    return change


def _replaced(content: str) -> Change:
    """A .git that is a file, as a worktree's is."""

    def change(own: Path) -> None:
        shutil.rmtree(own / ".git")
        (own / ".git").write_text(content, encoding="utf-8")

    return change


def _emptied(own: Path) -> None:
    shutil.rmtree(own / ".git")
    (own / ".git").mkdir()


REPOSITORIES: dict[str, Change] = {
    "none": _removed(".git"),
    "an empty .git": _emptied,
    "a .git of garbage": _replaced("garbage"),
    "a .git that leads nowhere": _replaced("gitdir: /nowhere\n"),
    "no HEAD": _removed(".git/HEAD"),
    "a HEAD of garbage": _written(".git/HEAD", "garbage"),
    "a HEAD without a commit": _written(".git/HEAD", "ref: refs/heads/nowhere\n"),
    "a HEAD that is gone": _written(".git/HEAD", f"{'a' * 40}\n"),
    "no objects": _removed(".git/objects"),
    "a config of garbage": _written(".git/config", "[[["),
    "a format of tomorrow": _written(".git/config", "[core]\nrepositoryformatversion = 99\n"),
    "a bare one": _written(".git/config", "[core]\nbare = true\n"),
    "another work tree": _written(".git/config", "[core]\nworktree = /\n"),
    "an index of garbage": _written(".git/index", "garbage"),
    "grafts": _written(".git/shallow", f"{'b' * 40}\n"),
    "inside another one": _unpacked,
    "a part of another one": _subfolder,
    "another account's": _given_away,
    "a submodule": _submodule,
    "a linked model": _linked("models/van", "cab"),
    "a linked file": _linked("models/cab/model.py", "../../settings/names.py"),
    "linked models": _linked("models", "elsewhere"),
}
