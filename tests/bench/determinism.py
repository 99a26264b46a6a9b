"""Which steps are bit-equal when a model is made twice, and what deterministic operations cost.

The second training has another folder and PYTHONHASHSEED, and shares the processors with a busy
process. Then the model is trained with and without deterministic operations in turn. The exit code
is 1 where a step that docs/provenance.md calls equal differs.
"""

import argparse
import contextlib
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline import manifest
from settings import REPOSITORY

SAVED_MODEL = "Trainer/model/*/Format-Serving"
METRICS = "Evaluator/evaluation/*/metrics*"
STEPS = {
    "examples": "CsvExampleGen/examples/*/Split-*/*",
    "statistics": "StatisticsGen/statistics/*/Split-*/*",
    "schema": "ImportSchemaGen/schema/*/*",
    "transform: assets": "Transform/transform_graph/*/transform_fn/assets/*",
    "transform: variables": "Transform/transform_graph/*/transform_fn/variables/*",
    "transformed examples": "Transform/transformed_examples/*/Split-*/*",
    "hyperparameters": "modules/*/best.json",
    "model: variables": f"{SAVED_MODEL}/variables/*",
    "model: assets": f"{SAVED_MODEL}/assets*/*",
    "evaluation: metrics": METRICS,
}
# What names folders or a process's counters: it is compared by its parts, see docs/provenance.md.
NAMED = {
    "transform: graph": "Transform/transform_graph/*/transform_fn/saved_model.pb",
    "model: graph": f"{SAVED_MODEL}/saved_model.pb",
    "model: fingerprint": f"{SAVED_MODEL}/fingerprint.pb",
    "model: manifest": f"{SAVED_MODEL}/{manifest.NAME}",
    "baseline.json": "Baseline/baseline/*/baseline.json",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="taxi")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        source = REPOSITORY / "models" / options.model
        folder = Path(shutil.copytree(source, Path(place) / options.model))
        first, second = Path(place) / "a", Path(place) / "another folder"
        run(folder, first, "1")
        with busy_processor():
            run(folder, second, "2")
        different = table(first / "store" / options.model, second / "store" / options.model)
        cost(folder, first, options.rounds)
    return 1 if different else 0


def run(folder: Path, runs: Path, hash_seed: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "pipeline", "run", f"{folder}/", "--runs", str(runs), "--json"]
    variables = os.environ | {"PYTHONHASHSEED": hash_seed}
    process = subprocess.run(
        command, cwd=REPOSITORY, env=variables, stdout=subprocess.PIPE, check=True
    )
    summary: dict[str, Any] = json.loads(process.stdout)
    return summary


@contextlib.contextmanager
def busy_processor() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def table(first: Path, second: Path) -> list[str]:
    """Print a line a step; return those that should be equal and are not."""
    different = []
    for step, pattern in (STEPS | NAMED).items():
        equal = contents(first, pattern) == contents(second, pattern)
        print(f"{step:22} {'bit-equal' if equal else 'different'}")
        if step in STEPS and not equal:
            different.append(step)
    return different


def contents(store: Path, pattern: str) -> dict[str, bytes | list[bytes]]:
    """Each file's bytes, by split; of metrics its records: slices are written in any order."""
    by_name: dict[str, bytes | list[bytes]] = {}
    for file in sorted(store.glob(pattern)):
        split = file.parent.name if file.parent.name.startswith("Split-") else ""
        is_metrics = pattern == METRICS
        by_name[f"{split}/{file.name}"] = sorted(records(file)) if is_metrics else file.read_bytes()
    return by_name


def records(file: Path) -> list[bytes]:
    """The records of a TFRecord file: a length of 8 bytes, its checksum, the record, its checksum.

    https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
    """
    content = file.read_bytes()
    every_record, position = [], 0
    while position < len(content):
        length = int.from_bytes(content[position : position + 8], "little")
        begin = position + 12
        every_record.append(content[begin : begin + length])
        position = begin + length + 4
    return every_record


def cost(folder: Path, runs: Path, rounds: int) -> None:
    """Print the ratio, with deterministic operations to without, of several rounds in turn."""
    ratios: dict[str, list[float]] = {"Trainer, wall": [], "run, CPU": []}
    declaration = (folder / "model.toml").read_text(encoding="utf-8")
    for number in range(rounds):
        with_them = trained(folder, runs, declaration, "true", number)
        without = trained(folder, runs, declaration, "false", number)
        for name, values in ratios.items():
            values.append(with_them[name] / without[name])
    for name, values in ratios.items():
        every = " ".join(f"{value:.3f}" for value in values)
        print(f"{name:22} {statistics.median(values):.3f} times, of {every}")


def trained(
    folder: Path, runs: Path, declaration: str, operations: str, number: int
) -> dict[str, float]:
    """The seconds of a training that no earlier one is the cache of."""
    text = declaration.replace(
        "[training]\n", f"[training]\ndeterministic_operations = {operations}\n"
    )
    text = re.sub(r"eval_steps = \d+", f"eval_steps = {200 + number}", text)  # no cache's
    (folder / "model.toml").write_text(text, encoding="utf-8")
    before = cpu_seconds()
    summary = run(folder, runs, "1")
    [trainer] = [node for node in summary["nodes"] if node["id"] == "Trainer"]
    assert trainer["state"] == "ran", "taken from the cache"
    return {"Trainer, wall": trainer["seconds"], "run, CPU": cpu_seconds() - before}


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
