"""Time `runs` over thousands of runs here and in the cloud, each time as a whole process.

Here with the index and without it; in the cloud from the stand-in for Google, the first time and
the next, with the requests that each takes. The bars are 2 s with the index, 5 s without, and ten
requests for the first 5,000 runs of a stage.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from environments import DEV
from pipeline.experiments import cloud, index
from pipeline.gcp.stage import Stage
from pipeline.tracking import experiment_run, stage_outbox
from settings import REPOSITORY
from tests.pipeline.experiments.run_folders import add_run
from tests.pipeline.tracking.stage_runs import add_job, run_summary
from tests.standins.google.apis import GoogleApis

TEAM = REPOSITORY / "tests/team"
ASKED = ("--where", "auc > 0.6 and tag = x", "--sort", "-auc")
PACKAGES = {f"package-{number}": "1.2.3" for number in range(250)}
METRICS = {f"metric_{number}": number / 7 for number in range(15)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        measure_here(Path(scratch) / "here", options)
        measure_cloud(Path(scratch) / "cloud", options)


def measure_here(runs: Path, options: argparse.Namespace) -> None:
    for number in range(options.runs):
        metrics = METRICS | {"auc": 0.5 + number / 2 / options.runs}
        add_run(runs, number, metrics=metrics, tags=["x"] * (number % 2))
    without, warm, asked = [], [], []
    for _ in range(options.rounds):
        (runs / index.NAME).unlink(missing_ok=True)
        without.append(seconds(runs))
        warm.append(seconds(runs))
        asked.append(seconds(runs, *ASKED))
    print(f"{options.runs:,} runs here, median seconds of {options.rounds} (worst)")
    tell("without the index", without)
    tell("with it", warm)
    tell("filtered and sorted", asked)


def measure_cloud(runs: Path, options: argparse.Namespace) -> None:
    runs.mkdir()
    stage = Stage(DEV)
    with GoogleApis(project_numbers={stage.project: str(DEV.project_number)}) as google:
        os.environ |= google.environment()
        add_job(google, stage, 0)
        for number in range(1, options.runs):
            track(google, stage, number)
        google.age_contexts(2 * cloud.OVERLAP)
        track(google, stage, 0)  # the newest, beside which the others are old
        print(f"{options.runs:,} runs of a stage")
        for name in ("the first time", "the next time"):
            google.requests.clear()
            duration = seconds(runs, "--env", stage.name)
            print(f"  {name}: {len(google.requests)} requests, {duration:.2f} s")


def track(google: GoogleApis, stage: Stage, number: int) -> None:
    """Keep a run with as many packages and metrics as a real one has."""
    summary = run_summary(number, metrics=METRICS | {"auc": 0.9})
    summary["records"]["environment"]["packages"] = PACKAGES
    run = stage_outbox.tracked(summary)
    fields = {"schemaTitle": "system.ExperimentRun", **experiment_run.fields(stage.name, run)}
    id_ = experiment_run.id_of(stage.names.experiment(run.model), run.id)
    path = f"/vertex_ai/v1/{stage.parent}/metadataStores/default/contexts?contextId={id_}"
    google.respond("POST", path, json.dumps(fields).encode())


def seconds(runs: Path, *arguments: str) -> float:
    command = [sys.executable, "-m", "pipeline", "runs", "--runs", str(runs), *arguments]
    variables = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    start = time.perf_counter()
    subprocess.run(command, cwd=TEAM, env=variables, capture_output=True, check=True)
    return time.perf_counter() - start


def tell(name: str, durations: list[float]) -> None:
    print(f"  {name}: {statistics.median(durations):.2f} ({max(durations):.2f})")


if __name__ == "__main__":
    main()
