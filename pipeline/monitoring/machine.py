"""This machine, as the monitor sees it: published versions, and the log that a server writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

from pipeline.baseline.content import Baseline
from pipeline.gcp.bigquery import asking, client_of
from pipeline.gcp.protocols import BigQuery
from pipeline.monitoring import baselines, retraining
from pipeline.monitoring.columns import ACCEPTANCES, VERDICTS, Column
from pipeline.monitoring.completeness import Answered
from pipeline.monitoring.log.log_tables import described
from pipeline.monitoring.place import Span, Tables, Version, baseline_or_problem
from pipeline.monitoring.retraining import Wish
from pipeline.monitoring.server_metrics import ServerMetrics
from pipeline.serving import saved_model
from pipeline.serving.request_log.table import TIMEOUT_SECONDS, LogTable

PAGES = "monitoring"


@dataclass(frozen=True)
class Machine:
    """Implements Place for what is served from `runs`; it makes its tables in the log's dataset."""

    runs: Path
    log: LogTable
    metrics: ServerMetrics | None = None
    legacy_model: str | None = None  # of a log of AI Platform's form
    stage: str = field(default="here", init=False)
    runbook: str | None = field(default=None, init=False)
    kept_days: int | None = field(default=None, init=False)  # its owner knows

    @cached_property
    def client(self) -> BigQuery:
        return client_of(self.log.name)

    @property
    def sampling_rate(self) -> float | None:
        return self.metrics.sampling_rate if self.metrics else None

    @property
    def _dataset(self) -> str:
        dataset, _, _ = self.log.name.rpartition(".")
        return dataset

    @property
    def verdicts(self) -> str:
        return f"{self._dataset}.verdicts"

    def tables(self, model: str) -> Tables:
        return Tables(
            log=self.log.name,
            legacy_model=self.legacy_model,
            profiles=f"{self._dataset}.profiles",
            acceptances=f"{self._dataset}.acceptances",
            outcomes=self._dataset,
        )

    def prepare(self, model: str) -> None:
        tables = self.tables(model)
        with asking(f"the dataset {self._dataset}, in which the monitor makes its tables"):
            self._make(self.verdicts, VERDICTS, partitioned_by="window_end")
            self._make(tables.acceptances, ACCEPTANCES)

    def _make(
        self, name: str, columns: tuple[Column, ...], partitioned_by: str | None = None
    ) -> None:
        from google.cloud import bigquery

        schema = [bigquery.SchemaField(column, kind, mode) for column, kind, mode in columns]
        table = bigquery.Table(name, schema=schema)
        if partitioned_by:
            table.time_partitioning = bigquery.TimePartitioning(field=partitioned_by)
        # The first question of all: the client would say nothing of an address that is wrong for
        # ten minutes.
        self.client.create_table(table, exists_ok=True, retry=None, timeout=TIMEOUT_SECONDS)

    def keep_log(self, model: str, baselines: Sequence[Baseline]) -> list[str]:
        """The log is its owner's: nothing of it is changed here."""
        log = described(self.client, self.log.name, legacy_model=self.legacy_model)
        return list(log.notes) if log else []

    def versions(self, model: str, since: date) -> list[Version]:
        """The published ones, the oldest first.

        Nobody writes down when a server ran: the newest one is taken to have been asked always,
        and an older one where the log has its requests.
        """
        folders = saved_model.versions(self.runs / "store" / model / "published")
        return [self._version(folder, is_newest=folder == folders[-1]) for folder in folders]

    def _version(self, folder: Path, *, is_newest: bool) -> Version:
        baseline, problem = baseline_or_problem(lambda: baselines.here(folder.parent, folder.name))
        always = Span(begin=datetime.min.replace(tzinfo=UTC))
        return Version(
            id=self._id(folder.name),
            number=folder.name,
            baseline=baseline,
            problem=problem,
            spans=(always,) if is_newest else (),
        )

    def _id(self, number: str) -> str:
        """A version as the log names it.

        Names of AI Platform's versions start with a letter, which TFX's Pusher makes a v
        (tfx/extensions/google_cloud_ai_platform/pusher/executor.py of github.com/tensorflow/tfx).
        """
        return number if self.legacy_model is None else f"v{number}"

    def answered(self, model: str, id_: str, begin: date, end: date) -> Answered | None:
        if self.metrics is None:
            return None
        days = self.metrics.days(id_, begin, end)
        if not days:
            return None
        return Answered(sum(days.values()), "requests", frozenset(days))

    def tell(
        self, event: str, model: str, key: str, at: datetime, facts: Mapping[str, str]
    ) -> None:
        """There is no event log here: the verdict is on the terminal."""

    def ask_for_retraining(self, wish: Wish) -> str:
        """There is no topic here: the command is for a person, or for a script."""
        reason = retraining.refusal(wish, ())
        if reason is not None:
            return f"{retraining.NOT_ASKED}: {reason}"
        until = wish.day + timedelta(days=1)  # the first day that is not in the window
        command = f"python3 -m pipeline run {wish.model} --until {until}"
        return f"a retraining is due, and there is no topic here to ask: run `{command}`"

    def page(self, name: str) -> str:
        return str(self.runs / PAGES / f"{name}.html")

    def keep_page(self, name: str, content: str) -> None:
        file = Path(self.page(name))
        partial_file = file.with_suffix(".part")
        file.parent.mkdir(parents=True, exist_ok=True)
        partial_file.write_text(content, encoding="utf-8")
        partial_file.replace(file)
