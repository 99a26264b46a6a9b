"""Shows people how far a pipeline's nodes are.

A terminal shows live seconds, any other stream a plain line a node. All else goes to a log.
"""

import contextlib
import io
import os
import sys
import time
from collections.abc import Buffer, Callable, Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

Observer = Callable[[str, str], None]  # told a node's id and its state


class Progress:
    """An observer of nodes; a runner calls it with a node's id and its state.

    The state is "running", "finished", or how the node ended otherwise.
    """

    def __init__(self, stream: TextIO) -> None:
        self.console = Console(file=stream, highlight=False)
        self.started: dict[str, float] = {}
        self.live = Live(
            get_renderable=self._running, console=self.console, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> "Progress":
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()

    def __call__(self, node: str, state: str) -> None:
        if state == "running":
            self.started[node] = time.monotonic()
            if not self.console.is_terminal:
                self.console.print(f"{node} ...")
            return
        word = "" if state == "finished" else f" {state}"
        seconds = time.monotonic() - self.started.pop(node)
        self.console.print(f"{node:18} {seconds:6.1f} s{word}")

    def _running(self) -> Text:
        now = time.monotonic()
        starts = list(self.started.items())  # a copy: nodes start and end meanwhile
        lines = [f"{node:18} {now - start:6.1f} s ..." for node, start in starts]
        return Text("\n".join(lines), style="dim")


@contextlib.contextmanager
def shown(observer: Observer, node: str) -> Iterator[None]:
    """Tell an observer of a step outside of a pipeline."""
    observer(node, "running")
    try:
        yield
    except BaseException:
        observer(node, "failed")
        raise
    observer(node, "finished")


@contextlib.contextmanager
def everything_else_to(log: Path) -> Iterator[TextIO]:
    """Send the output of this process and its children to `log`; yields the terminal.

    The libraries write much, and on both streams.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    descriptors = [os.dup(1), os.dup(2)]
    try:
        with _log(log) as file, os.fdopen(os.dup(2), "w") as terminal:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            # Never closed: a library's log handler keeps the stream that it meets first.
            output = open(1, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
            errors = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
                yield terminal
    finally:
        for descriptor, stream in zip(descriptors, (1, 2), strict=True):
            os.dup2(descriptor, stream)
            os.close(descriptor)


def _log(path: Path) -> TextIO:
    """The log, written line by line; lines beyond a full disk are lost.

    The run itself ends if its work finds no room.
    """
    raw_file = _FileWithoutErrors(path, "a")
    buffered_file = io.BufferedWriter(raw_file)
    return io.TextIOWrapper(buffered_file, encoding="utf-8", line_buffering=True)


class _FileWithoutErrors(io.FileIO):
    def write(self, data: Buffer) -> int:
        with contextlib.suppress(OSError):
            return super().write(data)
        return memoryview(data).nbytes
