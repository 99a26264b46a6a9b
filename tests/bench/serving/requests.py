"""The bodies of requests, from the rows of TFX's taxi example: a line each in a file."""

import csv
import json
import subprocess
from pathlib import Path
from typing import Any

from tests.bench.serving.venvs import VENV

FIND_TFX = (
    "from importlib.util import find_spec; print(*find_spec('tfx').submodule_search_locations)"
)
DATA = "examples/chicago_taxi_pipeline/data/simple/data.csv"
SINGLES, LARGE_REQUESTS, LARGE = 1000, 4, 1000


class Bodies:
    """The files of both kinds: one instance a request, or a thousand."""

    def __init__(self, place: Path, model: Path) -> None:
        text = (model / "assets.extra/serving.json").read_text()
        types = json.loads(text)["features"]
        with taxi_data().open() as file:
            instances = [instance(row, types) for row in csv.DictReader(file)]
        self.singles = place / "singles.txt"
        self.large = place / "large.txt"
        starts = range(0, LARGE_REQUESTS * LARGE, LARGE)
        write(self.singles, [[values] for values in instances[:SINGLES]])
        write(self.large, [instances[start : start + LARGE] for start in starts])


def taxi_data() -> Path:
    command = [*VENV, "python", "-c", FIND_TFX]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Path(process.stdout.strip()) / DATA


def instance(row: dict[str, str], types: dict[str, str]) -> dict[str, Any]:
    """What the row has of the features."""
    values: dict[str, Any] = {}
    for name, kind in types.items():
        text = row[name]
        if not text:
            continue
        values[name] = text if kind == "BYTES" else float(text)
        if kind == "INT":
            values[name] = int(values[name])
    return values


def write(file: Path, requests: list[list[Any]]) -> None:
    with file.open("w", encoding="utf-8") as lines:
        for instances in requests:
            body = json.dumps({"instances": instances})
            lines.write(f"{body}\n")
