"""What the monitor's own tests watch: a request log in BigQuery's stand-in, day by day."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
from google.cloud import bigquery

from pipeline.serving.request_log.table import LogTable
from tests.pipeline.monitoring import cab, request_logs

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
DAILY = 420  # rows, enough to be judged


@dataclass
class Dataset:
    """A dataset with the request log of a model."""

    client: bigquery.Client
    name: str = field(default_factory=lambda: f"demo.log_{uuid.uuid4().hex[:12]}")
    table: str = "requests"

    @property
    def log(self) -> str:
        return f"{self.name}.{self.table}"

    def create(self) -> None:
        self.client.create_dataset(self.name)

    def create_log(self) -> None:
        LogTable(self.log).connect()

    def create_legacy_log(self) -> None:
        """With the columns of AI Platform's."""
        fields = [
            bigquery.SchemaField(name, kind, mode=mode)
            for name, kind, mode in request_logs.LEGACY_COLUMNS
        ]
        self.client.create_table(bigquery.Table(self.log, schema=fields))

    def fill_legacy(self, model: str, version: str) -> None:
        """Log yesterday's requests to a version of AI Platform's."""
        moment = datetime.combine(YESTERDAY, time(12), UTC)
        rows = [
            {
                "model": model,
                "model_version": version,
                "time": moment.isoformat(),
                "raw_data": json.dumps({"instances": [instance]}),
                "raw_prediction": json.dumps({"predictions": [0.5]}),
            }
            for instance in cab.rows(DAILY, seed=0).to_pylist()
        ]
        errors = self.client.insert_rows_json(self.log, rows)
        assert errors == []

    def add(self, table: pa.Table, day: date, deployed_model_id: str) -> None:
        """Log a request for each of the rows."""
        rows = cab.requests(table, day, deployed_model_id)
        errors = self.client.insert_rows_json(self.log, rows)
        assert errors == []

    def fill(
        self,
        deployed_model_id: str,
        *,
        days: int = 1,
        last: date = YESTERDAY,
        daily: int = DAILY,
        **change: float,
    ) -> None:
        """Log as many requests on each of the days; `change` is of cab.rows."""
        for back in range(days):
            table = cab.rows(daily, seed=back, **change)
            self.add(table, last - timedelta(days=back), deployed_model_id)

    def rows(self, table: str) -> list[dict[str, Any]]:
        job = self.client.query(f"SELECT * FROM `{self.name}.{table}`")
        return [dict(row) for row in job.result()]

    def verdicts(self) -> dict[tuple[str, date], str]:
        """The kind of verdict by deployed model and last day; each has one row."""
        kinds = {}
        for row in self.rows("verdicts"):
            last_day = (row["window_end"] - timedelta(days=1)).date()
            key = (row["deployed_model_id"], last_day)
            assert key not in kinds
            kinds[key] = row["verdict"]
        return kinds
