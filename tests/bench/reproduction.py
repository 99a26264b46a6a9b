"""Makes every model again in a scratch clone and tells which are bit-equal: make reproduce-all.

Each model's run is made again twice; then one from a checkout with an edit that no commit holds,
one that took everything from the cache, the first one through its compiled job, and one with a
hyperparameter that `--set` gave.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from pipeline.experiments import trials
from pipeline.model.folder import ModelFolder
from settings import MODELS, REPOSITORY


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="reproduce-all-") as folder:
        clone = Path(folder) / "clone"
        git = ["git", "clone", "--quiet", str(REPOSITORY), str(clone)]
        subprocess.run(git, check=True)
        models = sorted(file.parent.name for file in MODELS.glob("*/model.toml"))
        codes = [code for model in models for code in _made_again(clone, model)]
    return max(codes)


def _made_again(clone: Path, model: str) -> list[int]:
    first = _train(clone, model)
    codes = [
        _reproduce(clone, first, "once"),
        _reproduce(clone, first, "twice"),
        _reproduce(clone, first, "through its compiled job", "--rehearse"),
        _reproduce(clone, _train(clone, model, _changed(model)), "with --set"),
    ]
    with (clone / "models" / model / "model.py").open("a", encoding="utf-8") as module:
        module.write("\n# an edit that no commit holds\n")
    dirty = _train(clone, model)
    cached = _train(clone, model)
    return [
        *codes,
        _reproduce(clone, dirty, "from a dirty checkout"),
        _reproduce(clone, cached, "from the cache"),
    ]


def _changed(model: str) -> str:
    """A flag that gives the model's first hyperparameter the last of its choices."""
    space = ModelFolder.load(model).declaration.tuning.space
    name, choices = next(iter(space.items()))
    [text] = trials.texts({name: choices[-1]})
    return f"--set={text}"


def _train(clone: Path, model: str, *options: str) -> str:
    """The id of a run of the model, also of one that the gate refused."""
    before = {path.name for path in (clone / "runs").glob(f"*-{model}-*")}
    process = _pipeline(clone, "run", model, *options)
    if process.returncode not in (0, 3):
        sys.exit(f"{model} was not trained:\n{process.stderr[-3000:]}")
    [run] = {path.name for path in (clone / "runs").glob(f"*-{model}-*")} - before
    return run


def _reproduce(clone: Path, run: str, kind: str, *options: str) -> int:
    process = _pipeline(clone, "reproduce", run, *options)
    print(f"{run}, {kind}: exit {process.returncode}")
    print(process.stdout or process.stderr[-1000:], flush=True)
    return process.returncode


def _pipeline(clone: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "build/environment", "pipeline", "python", "-m", "pipeline"]
    return subprocess.run([*command, *arguments], cwd=clone, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
