"""The monitor's own work on one day, in a process whose memory is its own.

python -m tests.bench.monitor_process BASELINE LOG PROFILES count|read

Prints its seconds, its peak memory and the verdict as JSON. `count` goes from the raw log to the
verdict, `read` from profiles.
"""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path

from pipeline.baseline import content
from pipeline.gcp import bigquery
from pipeline.monitoring.judging import judgement
from pipeline.monitoring.log import profiles
from tests.pipeline.monitoring.request_logs import DAY

MODEL = "taxi"
VERSION = "1"


def main(baseline_file: str, log: str, table: str, way: str) -> None:
    baseline = content.decode(Path(baseline_file).read_bytes(), baseline_file)
    versions = {VERSION: baseline}
    client = bigquery.client_of(log)
    start = time.perf_counter()
    if way == "count":
        profiles.count(client, log, table, MODEL, DAY, versions)
    first = DAY - timedelta(days=baseline.window_days - 1)
    days = profiles.read(client, table, MODEL, first, DAY, versions)[VERSION]
    window, *others = days.values()
    for day in others:
        window += day
    verdict = judgement.judge(
        baseline, window, model=MODEL, deployed_model_id=VERSION, begin=first, end=DAY, earlier=()
    )
    seconds = time.perf_counter() - start
    figures = {"seconds": seconds, "megabytes": peak_megabytes(), "verdict": verdict.sentence}
    print(json.dumps({**figures, "instances": window.instances}))


def peak_megabytes() -> float:
    """Of this program: getrusage's peak is that of the process before exec, too."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    [peak] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peak) * 1024 / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
