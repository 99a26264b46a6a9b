"""Runs one model again and again, each run begun by a save in its folder.

Each is in a fork of a process that has imported the libraries before.
"""

import functools
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from pipeline.errors import RunError
from pipeline.job import startup
from pipeline.local import code_digest
from pipeline.model.folder import ModelFolder

POLL_SECONDS = 0.2
INTERRUPTED = 130

# Nanoseconds of the last change and size in bytes of each file, None where there is none.
State = dict[Path, tuple[int, int] | None]


def run_at_each_save(
    folder: ModelFolder, run_once: Callable[[Callable[[], ModelFolder]], int]
) -> NoReturn:
    """Call `run_once` in a fork for each run, which has the libraries imported; never return.

    Its argument waits for the run's turn and loads the folder; its result is the fork's exit code.
    Raises RunError when the code on disk is no longer the imported code.
    """
    code_state = _state(code_digest.files())
    files = [folder.path / file for file in ModelFolder.FILES]
    startup.load()
    from pipeline.local import runs  # noqa: F401 - for the forks

    # While a run is active, only the run handles Ctrl-C.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    state: State = {}
    while True:
        read_end, write_end = os.pipe()
        run = os.fork()
        if not run:
            os.close(write_end)
            code = run_once(functools.partial(_begun, read_end, folder.path, handler))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # as __main__ does: taking TensorFlow apart would take two seconds
        os.close(read_end)
        state = _changed(folder.path, files, state, handler) if state else _state(files)
        new_code_state = _state(code_digest.files())
        if changed_file := _first_difference(code_state, new_code_state):
            raise RunError(f"{changed_file} is no longer what was imported; start this again")
        os.write(write_end, b"\n")
        os.close(write_end)
        _wait_for(run)


def _begun(read_end: int, path: Path, handler: Any) -> ModelFolder:
    """The folder, when the first process says so.

    Without that process there is nothing to do.
    """
    if not os.read(read_end, 1):
        os._exit(0)
    signal.signal(signal.SIGINT, handler)
    return ModelFolder.load(str(path))


def _wait_for(run: int) -> None:
    """Wait until the run ends.

    A run that a Ctrl-C ended ends this process with it. A process that is killed meanwhile leaves
    its run to end by itself.
    """
    _, status = os.waitpid(run, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == INTERRUPTED:
        os._exit(INTERRUPTED)
    # Nobody else tells of a signal: TensorFlow aborted, or the machine had no memory left.
    if code < 0:
        name = signal.Signals(-code).name
        print(f"the run was ended by {name}", file=sys.stderr, flush=True)


def _changed(folder: Path, files: list[Path], old_state: State, handler: Any) -> State:
    """Wait until the files differ from `old_state` and stay unchanged; return their new state.

    An editor may save in several steps.
    """
    signal.signal(signal.SIGINT, handler)
    print(
        f"watching {folder}: saving one of {', '.join(ModelFolder.FILES)} begins the next run, "
        "Ctrl-C ends",
        file=sys.stderr,
        flush=True,
    )
    previous_state = old_state
    while (new_state := _state(files)) == old_state or new_state != previous_state:
        previous_state = new_state
        time.sleep(POLL_SECONDS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(f"{_first_difference(old_state, new_state)} has changed", file=sys.stderr, flush=True)
    return new_state


def _first_difference(old_state: State, new_state: State) -> Path | None:
    files = sorted({*old_state, *new_state})
    changed_files = (file for file in files if old_state.get(file) != new_state.get(file))
    return next(changed_files, None)


def _state(files: Iterable[Path]) -> State:
    state: State = {}
    for file in files:
        try:
            status = file.stat()
        except FileNotFoundError:
            state[file] = None
        else:
            state[file] = (status.st_mtime_ns, status.st_size)
    return state
