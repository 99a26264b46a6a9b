"""Runs the containers of a compiled job as processes of this machine."""

import functools
import multiprocessing
import os
import sys
from pathlib import Path
from typing import Any

from pipeline.errors import RunError
from pipeline.job import entrypoint
from pipeline.local.metadata_store import Json
from settings import REPOSITORY


def run_container(task: str, container: Json, executor_input: str, folder: Path) -> None:
    """Run the container's command in `folder`; RunError tells its last line."""
    folder.mkdir(parents=True)
    if container["command"] != entrypoint.COMMAND:
        raise RunError(f"{task} would run {container['command']}, allowed is {entrypoint.COMMAND}")
    arguments = [argument.replace("{{$}}", executor_input) for argument in container["args"]]
    environment = dict(os.environ)
    process = _containers().Process(target=_run_entrypoint, args=(arguments, folder, environment))
    process.start()
    process.join()
    if process.exitcode:
        log = folder / "log.txt"
        words = _last_line(log)[:300]
        raise RunError(f"{task} failed: {words} (log: {log})")


def _last_line(log: Path) -> str:
    """The last line with words, or nothing."""
    lines = log.read_text(encoding="utf-8").splitlines()
    lines_with_words = [line for line in lines if line.strip()]
    return lines_with_words[-1] if lines_with_words else ""


@functools.cache
def _containers() -> Any:
    """Forks of one process, instead of new processes.

    The forked process has imported what all of them would.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pipeline.local.preloaded"])
    return context


def _run_entrypoint(arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run the entrypoint of the image's containers in this process."""
    with open(folder / "log.txt", "w", encoding="utf-8") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    os.chdir(folder)
    os.environ.update(environment, PYTHONPATH=str(REPOSITORY))
    sys.argv = ["container", *arguments]
    entrypoint.main()
