"""Time TFX's own taxi example and ours in turn, each as a whole process.

Both have the same rows, steps and batch size. Ours after an edit to model.py is timed twice: as a
whole process, and in one that watches the folder and has its libraries imported already. The stock
pipeline runs as the package ships it, except for LocalDagRunner and no Beam arguments, which is
faster here than its own choice.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
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
    seconds: dict[str, list[float]] = {"stock": [], "ours": [], "edited": [], "watched": []}
    for turn in range(rounds):
        stock, pipeline_runs = scratch / f"stock-{turn}", scratch / f"ours-{turn}"
        stock.mkdir()
        seconds["stock"].append(run_stock(stock, data))
        folder = our_folder(pipeline_runs, data / "data.csv")
        seconds["ours"].append(run_ours(folder, pipeline_runs))
        edit(folder)
        seconds["edited"].append(run_ours(folder, pipeline_runs))
        seconds["watched"].append(run_watched(folder, pipeline_runs))
        print(
            "  ".join(f"{name} {durations[-1]:.1f} s" for name, durations in seconds.items()),
            flush=True,
        )
    report(seconds, *aucs(scratch / "stock-0", scratch / "ours-0"), rows)


def report(seconds: dict[str, list[float]], stock_auc: float, our_auc: float, rows: int) -> None:
    median = {name: statistics.median(durations) for name, durations in seconds.items()}
    print(
        f"rows {rows}, medians: stock {median['stock']:.1f} s, ours {median['ours']:.1f} s, "
        f"ours after an edit {median['edited']:.1f} s, where a process waits for it "
        f"{median['watched']:.1f} s"
    )
    print(f"auc on the same held-out rows: stock {stock_auc:.4f}, ours {our_auc:.4f}")
    print(
        f"edit ratio {median['watched'] / median['ours']:.2f} watched, "
        f"{median['edited'] / median['ours']:.2f} by a new process"
    )
    print(f"help {help_seconds():.2f} s")
    print(f"ratio {median['ours'] / median['stock']:.2f}")


def repeated_rows(file: Path, rows: int) -> None:
    header, *shipped = (TAXI / "data/simple/data.csv").read_text().splitlines(keepends=True)
    with file.open("w") as out:
        out.write(header)
        out.writelines(shipped[i % len(shipped)] for i in range(rows))


def our_folder(place: Path, data: Path) -> Path:
    """The shipped taxi folder with the stock example's steps and batch size."""
    folder = place / "taxi"
    shutil.copytree(MODELS / "taxi", folder)
    toml = (folder / "model.toml").read_text()
    toml = re.sub(r"(?m)^source = .*$", f'source = "{data}"', toml)
    toml = re.sub(
        r"(?s)(\[training\].*?)steps = \d+\neval_steps = \d+",
        rf"\1steps = {STEPS}\neval_steps = {EVAL_STEPS}",
        toml,
    )
    (folder / "model.toml").write_text(
        re.sub(r"(?m)^batch_size = .*$", f"batch_size = [{BATCH}]", toml)
    )
    best = folder / "hyperparameters/best.json"
    best.write_text(json.dumps(json.loads(best.read_text()) | {"batch_size": BATCH}))
    return folder


def run_stock(place: Path, data: Path) -> float:
    module = str(TAXI / "taxi_utils_native_keras.py")
    return timed(
        [sys.executable, "-c", STOCK, str(place), str(data), module],
        os.environ | {"TF_USE_LEGACY_KERAS": "1"},
    )


def run_ours(folder: Path, place: Path) -> float:
    return timed(
        [sys.executable, "-m", "pipeline", "run", str(folder), "--runs", str(place / "runs")],
        dict(os.environ),
    )


def run_watched(folder: Path, place: Path) -> float:
    """From the save of an edit to the end of the watching process's next run."""
    command = [
        sys.executable,
        "-m",
        "pipeline",
        "run",
        str(folder),
        "--runs",
        str(place / "runs"),
        "--watch",
    ]
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
            took = time.perf_counter() - start
        finally:
            watching.terminate()
    [run] = blessed_runs(place) - earlier_runs
    print(f"watched: {run} was blessed", flush=True)
    return took


def blessed_runs(place: Path) -> set[str]:
    summaries = [json.loads(file.read_text()) for file in place.glob("runs/*/summary.json")]
    return {summary["run"] for summary in summaries if summary["decision"]["blessed"]}


def until_it_watches(watching: "subprocess.Popen[str]") -> None:
    assert watching.stderr
    output: list[str] = []
    while not (output and output[-1].startswith("watching ")):
        output.append(watching.stderr.readline())
        if not output[-1]:
            raise SystemExit(f"watching ended:\n{''.join(output)[-2000:]}")


def edit(folder: Path) -> None:
    with (folder / "model.py").open("a") as module:
        module.write("\n# edited\n")


def timed(command: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    process = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    if process.returncode:
        raise SystemExit(f"{' '.join(command)[:200]} failed:\n{process.stderr[-2000:]}")
    return time.perf_counter() - start


def help_seconds() -> float:
    """The median of five `python -m pipeline --help`, by the user's own Python."""
    durations = [
        timed(
            ["/usr/bin/env", "python3", "-m", "pipeline", "--help"],
            os.environ | {"ESTEIRA_ENVIRONMENT": ""},
        )
        for _ in range(5)
    ]
    return statistics.median(durations)


def aucs(stock: Path, ours: Path) -> tuple[float, float]:
    """Both models' AUC on our held-out split (TFX's own too), by our label."""
    import tensorflow as tf

    [examples] = (ours / "runs/store/taxi/CsvExampleGen/examples").iterdir()
    files = tf.io.gfile.glob(f"{examples}/Split-eval/*")
    records = list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())
    labels = [label(tf.train.Example.FromString(record)) for record in records]
    models = [
        next((stock / "serving").iterdir()),
        min((ours / "runs/store/taxi/published").iterdir()),
    ]
    areas = tuple(area_under_curve(labels, scores(tf, model, records)) for model in models)
    return areas  # type: ignore[return-value]


def area_under_curve(labels: list[bool], answers: list[float]) -> float:
    """The chance that a positive row scores above a negative one, ties counting half.

    This is Mann and Whitney's statistic.
    """
    import pandas

    ranks, positive = pandas.Series(answers).rank(), pandas.Series(labels)
    count = positive.sum()
    return float(
        (ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(positive) - count))
    )


def label(example: object) -> bool:
    cents = {
        name: round(100 * value)
        for name in ("tips", "fare")
        for value in example.features.feature[name].float_list.value
    }  # type: ignore[attr-defined]
    return cents["fare"] > 0 and 5 * cents["tips"] > cents["fare"]


def scores(tf: object, model: Path, records: list[bytes]) -> list[float]:
    loaded = tf.saved_model.load(str(model))  # type: ignore[attr-defined]
    serve = loaded.signatures["serving_default"]  # type: ignore[attr-defined]
    [answers] = serve(examples=tf.constant(records)).values()
    return answers.numpy().reshape(-1).tolist()  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
