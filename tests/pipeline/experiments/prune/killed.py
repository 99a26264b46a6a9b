"""A removal that is killed at each of its steps in turn, and then called again.

As a program it takes the folder of a template, with `runs` and `git`, and prints for each step what
is not as after a removal that nothing interrupted: nothing, in the good case.
"""

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.experiments.prune import removal
from tests.pipeline.experiments.prune.old_runs import refs, rules
from tests.pipeline.killed_at import finishes

STEPS = ("os.rename", "os.remove", "os.rmdir", "subprocess.Popen")
RUNS, GIT = "runs", "git"


def remove(place: Path) -> None:
    removal.remove(place / RUNS, rules(), repository=place / GIT)


def removed(place: Path, at: int | None) -> bool:
    """Remove in a process of its own, killed at a step; whether it came to its end."""
    return finishes(partial(remove, place), STEPS, at)


def state(place: Path) -> dict[str, Any]:
    """All that a removal may change, without the folder's own name."""
    runs = place / RUNS
    files = [str(path.relative_to(runs)) for path in runs.rglob("*")]
    tables = {}
    for name in ("store/cab/metadata.db", "mlflow.db"):
        with closing(sqlite3.connect(runs / name)) as database:
            tables[name] = [line.replace(str(place), "") for line in database.iterdump()]
    return {
        "files": sorted(name for name in files if not name.endswith("-journal")),
        "list": json.loads((runs / "pruned.json").read_text()),
        "refs": refs(place / GIT),
        **tables,
    }


def main(template: Path) -> list[list[str]]:
    """The names of what differs, for each step."""
    whole = shutil.copytree(template, template.with_name("whole"))
    assert removed(whole, None)
    expected = state(whole)
    differences = []
    while True:
        place = shutil.copytree(template, template.with_name("killed"))
        ended = removed(place, len(differences) + 1)
        if ended:
            return differences
        assert removed(place, None)
        actual = state(place)
        differences.append([name for name in expected if actual[name] != expected[name]])
        shutil.rmtree(place)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
