"""An import that is killed at each of its steps in turn, and then called again.

As a program it takes an export and a folder of runs that has an older state of it, and prints what
is not as after an import that nothing interrupted: nothing, in the good case.
"""

import json
import shutil
import sys
from functools import partial
from pathlib import Path

from pipeline.experiments.imports import export, work
from tests.pipeline.killed_at import finishes

STEPS = ("os.rename", "os.rmdir")


def import_all(place: Path, runs: Path) -> None:
    list(work.all_of(export.read(place, None), runs, lambda *_: None))


def imported(place: Path, runs: Path, at: int | None = None) -> bool:
    """Import in a process of its own, killed at a step; whether it came to its end."""
    return finishes(partial(import_all, place, runs), STEPS, at)


def state(runs: Path) -> dict[str, bytes]:
    files = [path for path in runs.rglob("*") if path.is_file()]
    return {str(path.relative_to(runs)): path.read_bytes() for path in files}


def main(place: Path, template: Path) -> None:
    steps, states, is_finished = 0, [], False
    while not is_finished:
        runs = place / f"runs-{steps}"
        shutil.copytree(template, runs)
        is_finished = imported(place, runs, steps + 1)
        assert imported(place, runs)
        states.append(state(runs))
        steps += 1
    wrong = [number for number, each in enumerate(states) if each != states[-1]]
    print(json.dumps({"steps": steps, "wrong": wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
