"""Run after run of one model, each begun by a save in its folder, in a fork of a process that has imported the libraries before."""

import functools
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pipeline.errors import RunError
from pipeline.job import startup
from pipeline.local import code_digest
from pipeline.model.folder import ModelFolder

POLL_SECONDS = 0.2
INTERRUPTED = 130

State = dict[
    Path, tuple[int, int] | None
]  # nanoseconds of the last change and size in bytes of each file, None where there is none


def each_run(folder: ModelFolder) -> Callable[[], ModelFolder]:
    """Returns once for each run, in a process of its own; what it returns waits until that run is to begin and gives the folder as it then is.

    The process that was called stays behind. It raises RunError when the code that it imported is no longer what lies on disk.
    """
    code, files = _state(code_digest.files()), [folder.path / file for file in ModelFolder.FILES]
    startup.load()
    from pipeline.local import runs  # noqa: F401 - for the forks

    at_ctrl_c = signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # but while it watches, a Ctrl-C is the run's
    seen: State = {}
    while True:
        begin, begins = os.pipe()
        if not (run := os.fork()):
            os.close(begins)
            return functools.partial(_begun, begin, folder.path, at_ctrl_c)
        os.close(begin)
        seen = _changed(folder.path, files, seen, at_ctrl_c) if seen else _state(files)
        if changed := _first_difference(code, _state(code_digest.files())):
            raise RunError(f"{changed} is no longer what was imported; start this again")
        os.write(begins, b"\n")
        os.close(begins)
        _wait_for(run)


def _begun(begin: int, path: Path, at_ctrl_c: Any) -> ModelFolder:
    """The folder, when the first process says so; without that process there is nothing to do."""
    if not os.read(begin, 1):
        os._exit(0)
    signal.signal(signal.SIGINT, at_ctrl_c)
    return ModelFolder.load(str(path))


def _wait_for(run: int) -> None:
    """Until it ends, and this process with it where that was by a Ctrl-C; a process that is killed meanwhile leaves its run to end by itself."""
    code = os.waitstatus_to_exitcode(os.waitpid(run, 0)[1])
    if code == INTERRUPTED:
        os._exit(INTERRUPTED)
    if (
        code < 0
    ):  # of which nobody else tells: TensorFlow aborted, or the machine had no memory left
        print(f"the run was ended by {signal.Signals(-code).name}", file=sys.stderr, flush=True)


def _changed(folder: Path, files: list[Path], seen: State, at_ctrl_c: Any) -> State:
    """The state of the files once it is another and has come to rest: an editor may save in several steps."""
    signal.signal(signal.SIGINT, at_ctrl_c)
    print(
        f"watching {folder}: saving one of {', '.join(ModelFolder.FILES)} begins the next run, Ctrl-C ends",
        file=sys.stderr,
        flush=True,
    )
    before = seen
    while (now := _state(files)) == seen or now != before:
        before = now
        time.sleep(POLL_SECONDS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(f"{_first_difference(seen, now)} has changed", file=sys.stderr, flush=True)
    return now


def _first_difference(before: State, now: State) -> Path | None:
    return next(
        (file for file in sorted({*before, *now}) if before.get(file) != now.get(file)), None
    )


def _state(files: Iterable[Path]) -> State:
    found: State = {}
    for file in files:
        try:
            status = file.stat()
        except FileNotFoundError:
            found[file] = None
        else:
            found[file] = (status.st_mtime_ns, status.st_size)
    return found
