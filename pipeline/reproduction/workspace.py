"""A folder with the files of a commit, where a run is made again: nothing of it stays.

It is no worktree of git's: nothing is written into the repository.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pipeline.delivery.git_process import answer
from pipeline.errors import RunError
from pipeline.job import startup
from settings import REPOSITORY

END_SECONDS = 10  # for a run to end when it is told to
Json = dict[str, Any]


@dataclass(frozen=True)
class Workspace:
    """The files of a revision, and its own runs."""

    files: Path
    runs: Path

    def python(self, *arguments: str, flags: dict[str, str]) -> str:
        """Run Python in the venv of the files' lock; return what it printed.

        What it says to standard error goes to ours. Raises RunError where it fails.
        """
        startup.load()
        from pipeline.components.determinism import FLAGS  # TensorFlow, which a refusal never loads

        environment = {name: value for name, value in os.environ.items() if name not in FLAGS}
        environment.pop("ESTEIRA_ENVIRONMENT", None)
        environment |= {"PYTHONPATH": str(self.files), **flags}
        script = str(self.files / "build/environment")
        command = [sys.executable, script, "pipeline", "python", *arguments]
        # A session of its own: Ctrl-C reaches this process alone, which ends it in order.
        process = subprocess.Popen(
            command,
            cwd=self.files,
            env=environment,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        try:
            output, _ = process.communicate()
        except BaseException:
            _end(process)
            raise
        if process.returncode not in (0, 3):  # 3: made, and refused by its gate
            raise RunError(f"the run could not be made again: it ended with {process.returncode}")
        return output


def _end(process: "subprocess.Popen[str]") -> None:
    """End the process and all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def of(revision: str) -> Iterator[Workspace]:
    """The files of the revision, until the end of the block, however it ends."""
    with _terminable(), tempfile.TemporaryDirectory(prefix="reproduction-") as folder:
        root = Path(folder).resolve()
        (root / "files").mkdir()
        index = {"GIT_INDEX_FILE": str(root / "index")}
        answer(REPOSITORY, "read-tree", revision, variables=index)
        prefix = f"--prefix={root}/files/"
        answer(REPOSITORY, "checkout-index", "--all", prefix, variables=index)
        place = (answer(REPOSITORY, "rev-parse", "--show-prefix") or "").strip()
        yield Workspace(root / "files" / place, root / "runs")


@contextlib.contextmanager
def venv(workspace: Workspace) -> Iterator[None]:
    """The venv of the files' lock; one that was made for them is removed afterwards."""
    caches = Path(sys.prefix).parent  # this process runs in one of them
    before = set(caches.glob("pipeline-*"))
    prefix = workspace.python("-c", "import sys; print(sys.prefix)", flags={}).strip()
    try:
        yield
    finally:
        place = Path(prefix)
        if place not in before and place.parent == caches:
            shutil.rmtree(place, ignore_errors=True)
            place.with_name(f"{place.name}.lock").unlink(missing_ok=True)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Have SIGTERM end the block as an error does, so that it is cleared away."""

    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    old_handler = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, old_handler)


def use_hyperparameters(model_folder: Path, values: Json) -> None:
    """Have the run import the values: it never searches for others."""
    file = model_folder / "hyperparameters/best.json"
    if json.loads(file.read_text(encoding="utf-8")) != values:
        file.write_text(f"{json.dumps(values, indent=2)}\n", encoding="utf-8")


def copy_missing(source: Path, target: Path) -> None:
    """Copy rows that git does not hold; a model's folder may hold no link."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
