"""The monitor's day from the raw log to the verdict, beside Evidently's report of the same rows.

Prints each figure and its bar; the exit code is 1 where one does not hold. The last line is the
ratio of ours to Evidently's, whose time is that of the report alone, without fetching the rows.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet
from google.cloud import bigquery

from pipeline.baseline import content
from pipeline.monitoring.log import log_tables, statement
from pipeline.monitoring.log.layout import Layout
from pipeline.monitoring.pages import overview
from pipeline.monitoring.verdict import Verdict
from settings import REPOSITORY
from tests.bench.monitor_process import VERSION
from tests.load.verdict import told
from tests.pipeline.monitoring import request_logs, samples
from tests.pipeline.monitoring.request_logs import DATASET, DAY

LOG, TYPED, PROFILES = f"{DATASET}.raw", f"{DATASET}.typed", f"{DATASET}.profiles"
MODELS, DAYS = 30, 90
LARGEST_RATIO, LARGEST_TYPED_RATIO = 0.6, 0.15
LARGEST_SECONDS = {"from profiles": 1.0, "overview": 3.0}
LARGEST_MEGABYTES = 500


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with request_logs.serving(folder / "bigquery") as client:
            measurement = _measurement(client, folder, arguments.instances, arguments.rounds)
    exit_code = told(measurement)
    print(f"ratio {measurement.ratio:.3f}")
    return exit_code


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Seconds of each way, the fastest of its rounds, and what the monitor's process took."""

    seconds: dict[str, float]
    instances: int
    counted: int
    megabytes: float
    verdict: str
    jobs_a_round: float  # that read the raw log

    @property
    def ratio(self) -> float:
        return self.seconds["from the raw log"] / self.seconds["Evidently"]

    @property
    def typed_ratio(self) -> float:
        return self.seconds["from the typed table"] / self.seconds["Evidently"]

    def figures(self) -> Iterator[str]:
        for name, seconds in self.seconds.items():
            yield f"{name:<22}{seconds:8.2f} s"
        yield f"the monitor's memory  {self.megabytes:8.0f} MB"
        yield f"its verdict: {self.verdict}"

    def problems(self) -> Iterator[str]:
        if self.ratio > LARGEST_RATIO:
            yield f"the raw log takes {self.ratio:.2f} of Evidently, allowed {LARGEST_RATIO}"
        if self.typed_ratio > LARGEST_TYPED_RATIO:
            yield f"the typed table {self.typed_ratio:.2f}, allowed {LARGEST_TYPED_RATIO}"
        for name, most in LARGEST_SECONDS.items():
            if self.seconds[name] > most:
                yield f"{name} takes {self.seconds[name]:.2f} s, allowed {most}"
        if self.megabytes > LARGEST_MEGABYTES:
            yield f"the monitor takes {self.megabytes:.0f} MB, allowed {LARGEST_MEGABYTES}"
        if self.counted != self.instances:
            yield f"{self.counted} instances are counted, logged are {self.instances}"
        if self.jobs_a_round != 1:
            yield f"{self.jobs_a_round} jobs a round read the raw log, allowed is one"


def _measurement(client: bigquery.Client, folder: Path, instances: int, rounds: int) -> Measurement:
    taxi = samples.taxi()
    (folder / "baseline.json").write_bytes(content.encode(taxi.baseline()))
    _progress("the log filled", lambda: _fill(client, taxi, instances))
    _progress("its typed table made", lambda: _make_typed(client, taxi))
    _progress("its rows fetched", lambda: _fetch(client, taxi, folder))
    jobs_before = len(request_logs.jobs_reading(client, LOG))
    counts, typed, reports = [], [], []
    for _ in range(rounds):
        counts.append(_process(folder, "count"))
        typed.append(_seconds(lambda: _count_typed(client, taxi)))
        reports.append(_evidently(folder))
    jobs = len(request_logs.jobs_reading(client, LOG)) - jobs_before
    stored = _process(folder, "read")
    seconds = {
        "from the raw log": min(count["seconds"] for count in counts),
        "from the typed table": min(typed),
        "from profiles": stored["seconds"],
        "overview": _seconds(_overview),
        "Evidently": min(reports),
    }
    return Measurement(
        seconds=seconds,
        instances=instances,
        counted=stored["instances"],
        megabytes=max(count["megabytes"] for count in counts),
        verdict=stored["verdict"],
        jobs_a_round=jobs / rounds,
    )


def _fill(client: bigquery.Client, taxi: samples.Sample, instances: int) -> None:
    """Log the sample's rows again and again, an instance a request."""
    requests = request_logs.requests_of(taxi.rows, taxi.scores)
    base = request_logs.table(client, partitioned=False)
    request_logs.load(client, base, [request.row() for request in requests])
    schema = client.get_table(base).schema
    raw = bigquery.Table(LOG, schema=schema)
    raw.time_partitioning = bigquery.TimePartitioning(field="logging_time")
    raw.require_partition_filter = True
    client.create_table(raw)
    copies = instances // len(requests) + 1
    place = f"CAST(request_id AS INT64) * {copies} + copy"
    columns = ", ".join(field.name for field in schema)
    client.query(f"""
        INSERT INTO `{LOG}` ({columns})
        SELECT endpoint, '{VERSION}',
          TIMESTAMP_ADD(TIMESTAMP '{DAY} 00:00:00+00', INTERVAL MOD({place}, 86400) SECOND),
          CAST({place} AS NUMERIC), request_payload, response_payload
        FROM `{base}`, UNNEST(GENERATE_ARRAY(0, {copies - 1})) AS copy
        ORDER BY copy LIMIT {instances}
    """).result()


def _parts(client: bigquery.Client, taxi: samples.Sample) -> tuple[str, str]:
    """The statement's layers before the bins, and those from there on, over a table of them."""
    log = log_tables.described(client, LOG)
    text = statement.text(log, DAY, Layout({VERSION: taxi.baseline()}))
    before, after = text.split(",\nbinned AS (", 1)
    return (
        f"CREATE OR REPLACE TABLE `{TYPED}` AS {before}\nSELECT * EXCEPT (object) FROM owned",
        f"WITH owned AS (SELECT *, '' AS object FROM `{TYPED}`),\nbinned AS ({after}",
    )


def _make_typed(client: bigquery.Client, taxi: samples.Sample) -> None:
    client.query(_parts(client, taxi)[0]).result()


def _count_typed(client: bigquery.Client, taxi: samples.Sample) -> None:
    list(client.query(_parts(client, taxi)[1]).result())


def _fetch(client: bigquery.Client, taxi: samples.Sample, folder: Path) -> None:
    """The day's rows as Evidently's input, and the training rows beside them."""
    columns = Layout({VERSION: taxi.baseline()}).columns.values()
    chosen = [
        f"{'n' if column.is_number else 'v'}{column.place} AS {column.name}" for column in columns
    ]
    rows = client.query(f"SELECT {', '.join(chosen)} FROM `{TYPED}`").result()
    day = rows.to_arrow(create_bqstorage_client=False)
    pyarrow.parquet.write_table(day, folder / "day.parquet")
    training = taxi.rows.select(day.column_names).cast(day.schema)
    pyarrow.parquet.write_table(training, folder / "training.parquet")


def _process(folder: Path, way: str) -> dict:
    module = "tests.bench.monitor_process"
    command = [sys.executable, "-m", module, folder / "baseline.json", LOG, PROFILES, way]
    process = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    if process.returncode:
        raise SystemExit(process.stderr)
    return json.loads(process.stdout)


def _evidently(folder: Path) -> float:
    program = Path(__file__).with_name("evidently_report.py")
    files = [folder / name for name in ("training.parquet", "day.parquet", "page.html")]
    command = [REPOSITORY / "build/environment", "evidently", "python", program, *files]
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        raise SystemExit(process.stderr)
    return float(process.stdout)


def _overview() -> None:
    last = DAY
    rows = [
        overview.Row(stage="dev", model=f"model_{number}", verdicts=_verdicts(last))
        for number in range(MODELS)
    ]
    overview.render(rows, last=last)


def _verdicts(last: date) -> list[Verdict]:
    midnight = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    verdict = Verdict(
        model="taxi",
        deployed_model_id="1",
        begin=midnight - timedelta(days=7),
        end=midnight,
        kind="ok",
        sentence="1,000 instances like the training rows",
    )
    ends = [midnight - timedelta(days=days) for days in range(DAYS)]
    return [replace(verdict, end=end) for end in ends]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _progress(name: str, work: Callable[[], object]) -> None:
    print(f"{name}: {_seconds(work):.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
