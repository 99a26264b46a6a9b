"""The folder of the synthesized stacks: one operation at a time, and nothing of an earlier synth.

Only the standard library is needed.
"""

import fcntl
import getpass
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from settings import REPOSITORY

FOLDER = REPOSITORY / "cdktf.out"
CONFIGURATION = "cdk.tf.json"


class LockedError(Exception):
    """One sentence about the operation at work in this checkout."""


@contextmanager
def locked(operation: str, folder: Path = FOLDER) -> Iterator[None]:
    """Keep others from the folder; raise LockedError while another operation has it.

    The file lies beside the folder, from which `cdktf` and people remove things. The kernel lets go
    of the lock when the process ends, however it ends.
    """
    file = Path(f"{folder.resolve()}.lock")
    with file.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(_refusal(lock)) from None
        lock.truncate(0)
        lock.write(_holder(operation))
        lock.flush()
        yield


def _holder(operation: str) -> str:
    machine, process = socket.gethostname(), os.getpid()
    start = time.strftime("%H:%M:%S")
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        user = str(os.getuid())
    return f"{operation}, by {user}@{machine} since {start}, process {process}"


def _refusal(lock: TextIO) -> str:
    lock.seek(0)
    holder = lock.read() or "a process that has only just begun"
    return (
        f"cdktf.out is in use ({holder}): wait for its end, or work in another clone; "
        "nothing was changed"
    )


def forget_others(folder: Path) -> list[str]:
    """Take what an earlier synth left out of the folder; return those of its stacks in use.

    Policy, the comment and Terraform look at every configuration. What Terraform keeps beside one
    stays: it may hold a state that could not be sent.
    """
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    used_stacks = []
    for place in sorted(folder.glob("stacks/*/")):
        if place.name in manifest["stacks"]:
            continue
        (place / CONFIGURATION).unlink(missing_ok=True)
        if (place / ".terraform").exists():
            used_stacks.append(place.name)
    return used_stacks


def warnings(used_stacks: Iterable[str]) -> Iterator[str]:
    """Describe each stage in the folder without an entry in environments.py."""
    stages = {stack.rpartition("-")[2] for stack in used_stacks}
    for stage in sorted(stages):
        yield (
            f"environments.py names {stage} no more, which was planned or deployed from here: "
            "renaming a stage moves nothing, what it deployed and its state are still there; put "
            f"its entry back and run `make teardown env={stage}`, or, if all of it is gone, "
            f"`rm -r cdktf.out/stacks/*-{stage}`"
        )
