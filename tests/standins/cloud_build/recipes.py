"""A stand-in for Cloud Build: runs the very steps of a recipe of build/ on this machine.

It runs them in a fresh checkout of the commit. It does not prove the builders' images: docker is
tests/standins/cloud_build/docker.py, python3 this machine's.
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

from tests.standins.cloud_build.recipe_file import RecipeError, Step, read

OURS = {
    "ESTEIRA_ENVIRONMENT",
    "PYTHONPATH",
    "VIRTUAL_ENV",
}  # of the environment that the tests run in, which no step may lean on


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
        return self.problem + "".join(result.output for result in self.steps)


class Checkout(NamedTuple):
    """The folder of a commit's files, and one beside it for a build's other needs."""

    files: Path
    beside: Path


def run(
    repository: Path,
    recipe: str,
    substitutions: Mapping[str, str],
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Run build/<recipe>.yaml of the commit COMMIT_SHA in a fresh checkout of it.

    It ends when a step fails or the recipe's time is over. `environment` tells the steps where the
    stand-ins are that they find instead of the cloud. Raises RecipeError before any step runs.
    """
    with checkout(repository, substitutions.get("COMMIT_SHA", "")) as place:
        file = place.files / "build" / f"{recipe}.yaml"
        if not file.is_file():
            raise RecipeError(f"there is no build/{recipe}.yaml in {substitutions['COMMIT_SHA']}")
        steps, timeout_seconds = read(file.read_text(), substitutions)
        return _outcome(
            steps, place, _around(place, environment or {}), time.monotonic() + timeout_seconds
        )


@contextmanager
def checkout(repository: Path, commit: str) -> Iterator[Checkout]:
    """The files of one commit and none of its history, fetched as Cloud Build does."""
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise RecipeError(f"COMMIT_SHA is {commit!r}, allowed is the whole hash of a commit")
    with tempfile.TemporaryDirectory(prefix="recipe-", ignore_cleanup_errors=True) as folder:
        place = Checkout(Path(folder, "workspace"), Path(folder, "beside"))
        for path in place:
            path.mkdir()
        url = repository.resolve().as_uri()
        for command in (
            ["init", "--quiet"],
            ["fetch", "--quiet", "--depth=1", url, commit],
            ["checkout", "--quiet", "FETCH_HEAD"],
        ):
            process = subprocess.run(
                ["git", *command], cwd=place.files, capture_output=True, text=True
            )
            if process.returncode:
                raise RecipeError(
                    f"{repository} gives no commit {commit}: {' '.join(process.stderr.split())}"
                )
        yield place


def _around(place: Checkout, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of every step: this machine's, with the stand-in for docker in front.

    They hold nothing of the venv that the runner is in.
    """
    programs = place.beside / "bin"
    programs.mkdir()
    (programs / "docker").symlink_to(Path(__file__).resolve().with_name("docker.py"))
    variables = {**os.environ, **environment, "DOCKER_STANDIN_STORE": str(place.beside / "images")}
    venv = os.environ.get("VIRTUAL_ENV")
    paths = [
        path
        for path in variables.get("PATH", os.defpath).split(os.pathsep)
        if not venv or path != f"{venv}/bin"
    ]
    return {
        **{name: value for name, value in variables.items() if name not in OURS},
        "PATH": os.pathsep.join([str(programs), *paths]),
    }


def _outcome(
    steps: list[Step], place: Checkout, around: Mapping[str, str], deadline: float
) -> Outcome:
    ended = []
    for number, step in enumerate(steps):
        result, in_time = _run(
            step, place, {**around, **step.env}, place.beside / f"{number}.log", deadline
        )
        ended.append(result)
        if not in_time or result.code:
            return Outcome("FAILURE" if in_time else "TIMEOUT", ended)
    return Outcome("SUCCESS", ended)


def _run(
    step: Step, place: Checkout, variables: Mapping[str, str], log: Path, deadline: float
) -> tuple[Done, bool]:
    """The step, and whether it ended in time."""
    program = shutil.which(step.command[0], path=variables["PATH"])
    if program is None:
        raise RecipeError(f"step {step.id}: this machine has no {step.command[0]}")
    with log.open("wb") as out:  # no pipe: whoever outlives the step would keep it open
        command = subprocess.Popen(
            [program, *step.command[1:]],
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
            os.killpg(
                command.pid, signal.SIGKILL
            )  # nothing of a step outlives it, as in a builder's container
            command.wait()
    return Done(step, command.returncode, log.read_text(errors="replace")), in_time


def _ended(pid: int, deadline: float) -> bool:
    """Whether the process ends before the deadline.

    It is left unreaped, so that its id and its group's stay its own.
    """
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
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
    environment: Mapping[str, str]
    report: Callable[[dict[str, Any], str], None] = lambda *_: None
    outcomes: dict[str, Outcome] = field(default_factory=dict)  # by the build's name

    def run(self, build: dict[str, Any]) -> None:
        """Run a build with its name and its substitutions.

        The name is projects/P/locations/L/builds/ID; the substitutions are COMMIT_SHA, TRIGGER_NAME
        and _STAGE.
        """
        self.report(build, "WORKING")
        try:
            outcome = run(self.repository, *_asked(build), self.environment)
        except RecipeError as error:
            outcome = Outcome("FAILURE", problem=f"{error}\n")
        self.outcomes[build["name"]] = outcome
        if outcome.status != "SUCCESS":
            print(f"{build['name']}: {outcome.status}\n{outcome.output[-4000:]}", file=sys.stderr)
        self.report(build, outcome.status)


def _asked(build: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The recipe, and the substitutions for its steps."""
    substitutions = dict(build.get("substitutions", {}))
    place = re.fullmatch(
        r"projects/(?P<PROJECT_ID>[^/]+)/locations/(?P<LOCATION>[^/]+)/builds/(?P<BUILD_ID>[^/]+)",
        build["name"],
    )
    if place is None:
        raise RecipeError(
            f"the build's name is {build['name']!r}, allowed is projects/P/locations/L/builds/ID"
        )
    trigger, stage = substitutions.get("TRIGGER_NAME", ""), substitutions.get("_STAGE", "")
    if not stage or not trigger.startswith(f"{stage}-"):
        raise RecipeError(
            f"the trigger is named {trigger!r}, allowed is <stage>-<recipe> of the stage {stage!r}"
        )
    own = {name: value for name, value in substitutions.items() if name.startswith("_")}
    return trigger.removeprefix(f"{stage}-"), {
        **own,
        **place.groupdict(),
        "COMMIT_SHA": substitutions.get("COMMIT_SHA", ""),
    }
