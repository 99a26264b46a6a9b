"""A stand-in for Cloud Build: runs the very steps of a recipe of build/ on this machine.

It runs them in a fresh checkout of the commit, each in a root of its own with its image's packages
(tests/standins/cloud_build/roots.py) where this machine can. It does not prove the builders'
images: docker and apt-get are the scripts beside this file, python3 is Debian's.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.standins.cloud_build import roots
from tests.standins.cloud_build.recipe_file import PACKAGES, RecipeError, Step, read

Variables = Mapping[str, str]
Build = dict[str, Any]  # in the form of Cloud Build's API
# Of the environment that the tests run in, which no step may lean on.
OURS = {"ESTEIRA_ENVIRONMENT", "PYTHONPATH", "VIRTUAL_ENV"}
COMMIT = re.compile(r"[0-9a-f]{40}")
BUILD_NAME = re.compile(
    r"projects/(?P<PROJECT_ID>[^/]+)/locations/(?P<LOCATION>[^/]+)/builds/(?P<BUILD_ID>[^/]+)"
)


@dataclass(frozen=True)
class Done:
    step: Step
    code: int  # negative: the signal that ended it
    output: str


@dataclass(frozen=True)
class Outcome:
    """`status` is SUCCESS, FAILURE or TIMEOUT; `problem` says why no step ran, if none did."""

    status: str
    steps: list[Done] = field(default_factory=list)
    problem: str = ""

    @property
    def output(self) -> str:
        outputs = [result.output for result in self.steps]
        return "".join([self.problem, *outputs])


class Checkout(NamedTuple):
    """The folder of a commit's files, and one beside it for a build's other needs."""

    files: Path
    beside: Path


def run(
    repository: Path,
    recipe: str,
    substitutions: Variables,
    environment: Variables | None = None,
) -> Outcome:
    """Run build/<recipe>.yaml of the commit COMMIT_SHA in a fresh checkout of it.

    The run ends when a step fails or the recipe's time is over. `environment` tells the steps where
    the stand-ins are that they find instead of the cloud. Raises RecipeError before any step runs.
    """
    commit = substitutions.get("COMMIT_SHA", "")
    with checkout(repository, commit) as place:
        file = place.files / f"build/{recipe}.yaml"
        if not file.is_file():
            raise RecipeError(f"there is no build/{recipe}.yaml in {commit}")
        steps, timeout_seconds = read(file.read_text(), substitutions)
        around = _around(place, environment or {})
        deadline = time.monotonic() + timeout_seconds
        return _outcome(steps, place, around, deadline)


@contextmanager
def checkout(repository: Path, commit: str) -> Iterator[Checkout]:
    """The files of one commit and none of its history, fetched as Cloud Build does."""
    if not COMMIT.fullmatch(commit):
        raise RecipeError(f"COMMIT_SHA is {commit!r}, allowed is the whole hash of a commit")
    with tempfile.TemporaryDirectory(prefix="recipe-", ignore_cleanup_errors=True) as folder:
        place = Checkout(Path(folder, "workspace"), Path(folder, "beside"))
        for path in place:
            path.mkdir()
        _fetch(repository, commit, place.files)
        yield place


def _fetch(repository: Path, commit: str, folder: Path) -> None:
    url = repository.resolve().as_uri()
    for command in (
        ["init", "--quiet"],
        ["fetch", "--quiet", "--depth=1", url, commit],
        ["checkout", "--quiet", "FETCH_HEAD"],
    ):
        process = subprocess.run(["git", *command], cwd=folder, capture_output=True, text=True)
        if process.returncode:
            message = " ".join(process.stderr.split())
            raise RecipeError(f"{repository} gives no commit {commit}: {message}")


def _around(place: Checkout, environment: Variables) -> dict[str, str]:
    """The variables of every step: this machine's, with the stand-in for docker in front.

    They hold nothing of the venv that the runner is in.
    """
    programs = place.beside / "bin"
    programs.mkdir()
    _stand_in(programs / "docker")
    store = place.beside / "images"
    variables = {**os.environ, **environment, "DOCKER_STANDIN_STORE": str(store)}

    path = variables.get("PATH", os.defpath)
    folders = path.split(os.pathsep)
    if venv := os.environ.get("VIRTUAL_ENV"):
        folders = [folder for folder in folders if folder != f"{venv}/bin"]
    if roots.available():
        _stand_in(programs / "apt-get")
        folders = roots.PATH.split(os.pathsep)
    else:
        print(roots.WITHOUT_ROOTS, file=sys.stderr)
    variables["PATH"] = os.pathsep.join([str(programs), *folders])
    return {name: value for name, value in variables.items() if name not in OURS}


def _stand_in(program: Path) -> None:
    """Link the program's path to its stand-in, a script beside this file."""
    script = program.name.replace("-", "_")
    program.symlink_to(Path(__file__).resolve().with_name(f"{script}.py"))


def _outcome(steps: list[Step], place: Checkout, around: Variables, deadline: float) -> Outcome:
    results = []
    for number, step in enumerate(steps):
        variables = {**around, **step.env}
        log = place.beside / f"{number}.log"
        result, in_time = _run(step, place, variables, log, deadline)
        results.append(result)
        if not in_time:
            return Outcome("TIMEOUT", results)
        if result.code:
            return Outcome("FAILURE", results)
    return Outcome("SUCCESS", results)


def _run(
    step: Step, place: Checkout, variables: Variables, log: Path, deadline: float
) -> tuple[Done, bool]:
    """The step, and whether it ended in time."""
    name, *arguments = step.command
    program = shutil.which(name, path=variables["PATH"])
    if program is None:
        raise RecipeError(f"step {step.id}: this machine has no {name}")
    prefix = []
    if roots.available():
        root = roots.root_with(PACKAGES[name])
        prefix = roots.prefix(root)
    with log.open("wb") as out:  # no pipe: a process that outlives the step would keep it open
        command = subprocess.Popen(
            [*prefix, program, *arguments],
            cwd=place.files,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            in_time = _ended(command.pid, deadline)
        finally:
            # Nothing of a step outlives it, as in a builder's container.
            os.killpg(command.pid, signal.SIGKILL)
            command.wait()
    output = log.read_text(encoding="utf-8", errors="replace")
    return Done(step, command.returncode, output), in_time


def _ended(pid: int, deadline: float) -> bool:
    """Whether the process ends before the deadline.

    An ended process is left unreaped, so that its id and its group's stay its own.
    """
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while os.waitid(os.P_PID, pid, options) is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@dataclass
class Recipes:
    """The action of a trigger.

    Called with a build in the form of Cloud Build's API, it picks the trigger's recipe, runs it and
    reports.
    """

    repository: Path
    environment: Variables
    report: Callable[[Build, str], None] = lambda *_: None
    outcomes: dict[str, Outcome] = field(default_factory=dict)  # by the build's name

    def run(self, build: Build) -> None:
        """Run a build with its name and its substitutions.

        The name is projects/P/locations/L/builds/ID; the substitutions are COMMIT_SHA, TRIGGER_NAME
        and _STAGE.
        """
        self.report(build, "WORKING")
        name = build["name"]
        try:
            recipe, substitutions = _request(build)
            outcome = run(self.repository, recipe, substitutions, self.environment)
        except RecipeError as error:
            outcome = Outcome("FAILURE", problem=f"{error}\n")
        self.outcomes[name] = outcome
        if outcome.status != "SUCCESS":
            print(f"{name}: {outcome.status}\n{outcome.output[-4000:]}", file=sys.stderr)
        self.report(build, outcome.status)


def _request(build: Build) -> tuple[str, dict[str, str]]:
    """The recipe, and the substitutions for its steps."""
    name = build["name"]
    place = BUILD_NAME.fullmatch(name)
    if place is None:
        raise RecipeError(
            f"the build's name is {name!r}, allowed is projects/P/locations/L/builds/ID"
        )
    substitutions = build.get("substitutions", {})
    commit = substitutions.get("COMMIT_SHA", "")
    own = {key: value for key, value in substitutions.items() if key.startswith("_")}
    return _recipe(substitutions), {**own, **place.groupdict(), "COMMIT_SHA": commit}


def _recipe(substitutions: Variables) -> str:
    """The recipe of the build's trigger, by the trigger's name."""
    trigger = substitutions.get("TRIGGER_NAME", "")
    stage = substitutions.get("_STAGE", "")
    prefix = f"{stage}-"
    if not stage or not trigger.startswith(prefix):
        raise RecipeError(
            f"the trigger is named {trigger!r}, allowed is <stage>-<recipe> of the stage {stage!r}"
        )
    return trigger.removeprefix(prefix)
