"""The folder of the synthesized stacks: one operation at a time, and nothing of an earlier synth.

Only the standard library is needed.
"""

import fcntl
import getpass
import json
import os
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from settings import REPOSITORY

FOLDER = REPOSITORY / "cdktf.out"
# Beside the folder: `cdktf` and people remove what is in it.
LOCK = REPOSITORY / "cdktf.out.lock"
CONFIGURATION = "cdk.tf.json"


class LockedError(Exception):
    """One sentence on who is at work in this checkout."""


@contextmanager
def locked(operation: str, file: Path = LOCK) -> Iterator[None]:
    """Keep others from the folder; raise LockedError where one is at work in it.

    The kernel lets go of the lock when the process ends, however it ends.
    """
    with file.open("a+") as lock:
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
    return f"{operation}, by {getpass.getuser()}@{machine} since {start}, process {process}"


def _refusal(lock: TextIO) -> str:
    lock.seek(0)
    holder = lock.read() or "a process that has only just begun"
    return (
        f"cdktf.out is in use ({holder}): wait for its end, or work in another clone; "
        "nothing was changed"
    )


def forget_others(stacks: Collection[str], folder: Path = FOLDER) -> list[str]:
    """Take what an earlier synth left out of the folder; return those of its stacks in use.

    Policy, the comment and Terraform look at every configuration. What Terraform keeps beside one
    stays: it may hold a state that could not be sent.
    """
    used_stacks = []
    for place in sorted((folder / "stacks").glob("*/")):
        if place.name in stacks:
            continue
        (place / CONFIGURATION).unlink(missing_ok=True)
        if (place / ".terraform").exists():
            used_stacks.append(place.name)
    return used_stacks


def warning(used_stacks: Collection[str]) -> str:
    """Say what became of a stage that environments.py names no more."""
    stages = sorted({stack.rpartition("-")[2] for stack in used_stacks})
    names = ", ".join(stages)
    command = f"make teardown env={stages[0]}"
    folders = " ".join(f"cdktf.out/stacks/*-{stage}" for stage in stages)
    return (
        f"environments.py names {names} no more, which was planned or deployed from here: renaming "
        "a stage moves nothing, what it deployed and its state are still there and paid for; put "
        f"its entry back and run `{command}`, or, if it is gone, `rm -r {folders}`"
    )


def backend_bucket(configuration: Mapping[str, object]) -> str:
    """Return the bucket of a synthesized stack's state."""
    terraform = json.loads(json.dumps(configuration)).get("terraform", {})
    bucket = terraform.get("backend", {}).get("gcs", {}).get("bucket", "its state bucket")
    return str(bucket)
