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

from pipeline.components.flags import FLAGS
from pipeline.delivery.git_process import answer
from pipeline.errors import RunError
from settings import REPOSITORY

END_SECONDS = 10  # for a run to end when it is told to
Json = dict[str, Any]


@dataclass(frozen=True)
class Workspace:
    """The files of a revision, and its own runs."""

    files: Path
    runs: Path
    caches: Path  # in which build/environment looks for venvs

    def python(self, *arguments: str, flags: dict[str, str]) -> str:
        """Run Python in the venv of the files' lock; return what it printed.

        What it says to standard error goes to ours. Raises RunError where it fails.
        """
        environment = {name: value for name, value in os.environ.items() if name not in FLAGS}
        environment.pop("ESTEIRA_ENVIRONMENT", None)
        places = {"PYTHONPATH": str(self.files), "XDG_CACHE_HOME": str(self.caches)}
        environment |= {**places, **flags}
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
    temporary = tempfile.TemporaryDirectory(prefix="reproduction-")
    with _terminable(), temporary as folder, _venvs() as caches:
        root = Path(folder).resolve()
        (root / "files").mkdir()
        index = {"GIT_INDEX_FILE": str(root / "index")}
        answer(REPOSITORY, "read-tree", revision, variables=index)
        prefix = f"--prefix={root}/files/"
        answer(REPOSITORY, "checkout-index", "--all", prefix, variables=index)
        place = (answer(REPOSITORY, "rev-parse", "--show-prefix") or "").strip()
        yield Workspace(root / "files" / place, root / "runs", caches)


@contextlib.contextmanager
def _venvs() -> Iterator[Path]:
    """A folder for XDG_CACHE_HOME that has the venvs of this machine, and loses what is added.

    It lies beside them, since a venv that the files' lock needs takes gigabytes.
    """
    caches = Path(sys.prefix).parent  # this process runs in one of them
    with tempfile.TemporaryDirectory(prefix="reproduction-", dir=caches) as folder:
        links = Path(folder) / "esteira"
        links.mkdir()
        for venv in caches.iterdir():
            if (venv / ".ready").exists() or venv.name == "tools":
                (links / venv.name).symlink_to(venv)
        yield Path(folder)


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
