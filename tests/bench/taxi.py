"""Time TFX's own taxi example and ours in turn, each as a whole process.

Both have the same rows, steps and batch size. Ours after an edit to model.py is timed twice: as a
whole process, and in one that watches the folder and has its libraries imported already. The stock
pipeline runs as the package ships it, except for LocalDagRunner and no Beam arguments, which is
faster here than its own choice.
"""

import argparse
import itertools
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from settings import MODELS, REPOSITORY

TFX = find_spec("tfx").submodule_search_locations[0]  # type: ignore[index,union-attr]
TAXI = Path(TFX) / "examples/chicago_taxi_pipeline"
STEPS, EVAL_STEPS, BATCH = 1000, 150, 40  # the stock example's own
THOUGHT_SECONDS = 15  # between a run and the next edit; the next run is ready after about five
STOCK = """
import sys
from tfx.examples.chicago_taxi_pipeline import taxi_pipeline_native_keras as stock
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
root, data, module = sys.argv[1:]
LocalDagRunner().run(stock._create_pipeline(
    pipeline_name="stock", pipeline_root=f"{root}/root", data_root=data, module_file=module,
    serving_model_dir=f"{root}/serving", metadata_path=f"{root}/metadata.db",
    beam_pipeline_args=[]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=15002)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        measure(Path(scratch), options.rows, options.rounds)


def measure(scratch: Path, rows: int, rounds: int) -> None:
    data = scratch / "data"
    data.mkdir()
    repeated_rows(data / "data.csv", rows)
    durations = Durations()
    for turn in range(rounds):
        stock = scratch / f"stock-{turn}"
        pipeline_runs = scratch / f"ours-{turn}"
        stock.mkdir()
        durations.stock.append(run_stock(stock, data))
        folder = our_folder(pipeline_runs, data / "data.csv")
        durations.ours.append(run_ours(folder, pipeline_runs))
        edit(folder)
        durations.edited.append(run_ours(folder, pipeline_runs))
        durations.watched.append(run_watched(folder, pipeline_runs))
        latest = [f"{name} {seconds[-1]:.1f} s" for name, seconds in vars(durations).items()]
        print("  ".join(latest), flush=True)
    stock_auc, our_auc = aucs(scratch / "stock-0", scratch / "ours-0")
    report(durations, stock_auc, our_auc, rows)


@dataclass
class Durations:
    """The seconds of each turn: stock, ours, ours after an edit, and ours under `--watch`."""

    stock: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    edited: list[float] = field(default_factory=list)
    watched: list[float] = field(default_factory=list)


def report(durations: Durations, stock_auc: float, our_auc: float, rows: int) -> None:
    stock = statistics.median(durations.stock)
    ours = statistics.median(durations.ours)
    edited = statistics.median(durations.edited)
    watched = statistics.median(durations.watched)
    print(
        f"rows {rows}, medians: stock {stock:.1f} s, ours {ours:.1f} s, "
        f"ours after an edit {edited:.1f} s, where a process waits for it "
        f"{watched:.1f} s"
    )
    print(f"auc on the same held-out rows: stock {stock_auc:.4f}, ours {our_auc:.4f}")
    print(f"edit ratio {watched / ours:.2f} watched, {edited / ours:.2f} by a new process")
    print(f"help {help_seconds():.2f} s")
    print(f"ratio {ours / stock:.2f}")


def repeated_rows(file: Path, rows: int) -> None:
    text = (TAXI / "data/simple/data.csv").read_text()
    header, *shipped = text.splitlines(keepends=True)
    lines = itertools.cycle(shipped)
    with file.open("w", encoding="utf-8") as out:
        out.write(header)
        out.writelines(itertools.islice(lines, rows))


def our_folder(place: Path, data: Path) -> Path:
    """The shipped taxi folder with the stock example's steps and batch size."""
    folder = place / "taxi"
    shutil.copytree(MODELS / "taxi", folder)
    configuration = folder / "model.toml"
    toml = configuration.read_text()
    toml = re.sub(r"(?m)^source = .*$", f'source = "{data}"', toml)
    toml = re.sub(
        r"(?s)(\[training\].*?)steps = \d+\neval_steps = \d+",
        rf"\1steps = {STEPS}\neval_steps = {EVAL_STEPS}",
        toml,
    )
    toml = re.sub(r"(?m)^batch_size = .*$", f"batch_size = [{BATCH}]", toml)
    configuration.write_text(toml)
    best = folder / "hyperparameters/best.json"
    values = json.loads(best.read_text())
    values["batch_size"] = BATCH
    best.write_text(json.dumps(values))
    return folder


def run_stock(place: Path, data: Path) -> float:
    module = TAXI / "taxi_utils_native_keras.py"
    command = [sys.executable, "-c", STOCK, str(place), str(data), str(module)]
    environment = os.environ | {"TF_USE_LEGACY_KERAS": "1"}
    return timed(command, environment)


def our_command(folder: Path, place: Path) -> list[str]:
    runs = place / "runs"
    return [sys.executable, "-m", "pipeline", "run", str(folder), "--runs", str(runs)]


def run_ours(folder: Path, place: Path) -> float:
    return timed(our_command(folder, place), dict(os.environ))


def run_watched(folder: Path, place: Path) -> float:
    """From the save of an edit to the end of the watching process's next run."""
    command = [*our_command(folder, place), "--watch"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as watching:
        try:
            until_it_watches(watching)
            time.sleep(THOUGHT_SECONDS)
            earlier_runs = blessed_runs(place)
            start = time.perf_counter()
            edit(folder)
            until_it_watches(watching)
            seconds = time.perf_counter() - start
        finally:
            watching.terminate()
    [run] = blessed_runs(place) - earlier_runs
    print(f"watched: {run} was blessed", flush=True)
    return seconds


def blessed_runs(place: Path) -> set[str]:
    runs = set()
    for file in place.glob("runs/*/summary.json"):
        summary = json.loads(file.read_text())
        decision = summary["decision"]
        if decision["blessed"]:
            runs.add(summary["run"])
    return runs


def until_it_watches(watching: "subprocess.Popen[str]") -> None:
    assert watching.stderr
    output = ""
    for line in watching.stderr:
        output += line
        if line.startswith("watching "):
            return
    raise SystemExit(f"watching ended:\n{output[-2000:]}")


def edit(folder: Path) -> None:
    with (folder / "model.py").open("a") as module:
        module.write("\n# edited\n")


def timed(command: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    process = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    if process.returncode:
        line = " ".join(command)
        message = process.stderr[-2000:]
        raise SystemExit(f"{line[:200]} failed:\n{message}")
    return time.perf_counter() - start


def help_seconds() -> float:
    """The median of five `python -m pipeline --help`, by the user's own Python."""
    command = ["/usr/bin/env", "python3", "-m", "pipeline", "--help"]
    environment = os.environ | {"ESTEIRA_ENVIRONMENT": ""}
    durations = [timed(command, environment) for _ in range(5)]
    return statistics.median(durations)


def aucs(stock: Path, ours: Path) -> tuple[float, float]:
    """Both models' AUC on our held-out split (TFX's own too), by our label."""
    import tensorflow as tf

    store = ours / "runs/store/taxi"
    [examples] = (store / "CsvExampleGen/examples").glob("*/")
    files = tf.io.gfile.glob(f"{examples}/Split-eval/*")
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP")
    records = list(dataset.as_numpy_iterator())
    labels = [label(tf.train.Example.FromString(record)) for record in records]

    stock_model = next((stock / "serving").iterdir())
    our_model = min((store / "published").iterdir())
    stock_scores = scores(tf, stock_model, records)
    our_scores = scores(tf, our_model, records)
    return area_under_curve(labels, stock_scores), area_under_curve(labels, our_scores)


def area_under_curve(labels: list[bool], answers: list[float]) -> float:
    """The chance of a positive row scoring above a negative one, ties counting half.

    This is Mann and Whitney's statistic.
    """
    import pandas

    ranks = pandas.Series(answers).rank()
    positive = pandas.Series(labels)
    positive_count = positive.sum()
    negative_count = len(positive) - positive_count
    rank_sum = ranks[positive].sum()
    smallest_rank_sum = positive_count * (positive_count + 1) / 2
    wins = rank_sum - smallest_rank_sum
    pairs = positive_count * negative_count
    return float(wins / pairs)


def label(example: object) -> bool:
    fare = cents(example, "fare")
    if fare <= 0:
        return False
    tips = cents(example, "tips")
    return 5 * tips > fare


def cents(example: object, name: str) -> int:
    feature = example.features.feature[name]  # type: ignore[attr-defined]
    [value] = feature.float_list.value
    return round(100 * value)


def scores(tf: object, model: Path, records: list[bytes]) -> list[float]:
    loaded = tf.saved_model.load(str(model))  # type: ignore[attr-defined]
    serve = loaded.signatures["serving_default"]  # type: ignore[attr-defined]
    examples = tf.constant(records)
    [answers] = serve(examples=examples).values()
    values = answers.numpy().reshape(-1)
    return values.tolist()  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
