"""The raw tables that requests are logged in, as they come: what they hold and how a day is read.

The self-hosted server's table has the columns of Vertex's
(docs.cloud.google.com/vertex-ai/docs/predictions/online-prediction-logging); the legacy
AI Platform one has others (docs.cloud.google.com/ai-platform/prediction/docs/online-predict).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from pipeline.errors import RunError
from pipeline.gcp.bigquery import GIB, asking
from pipeline.gcp.protocols import BigQuery
from pipeline.monitoring.log import json_texts
from pipeline.serving.request_log.table import NAME

DOLLARS_A_TIB = 6.25  # on demand; cloud.google.com/bigquery/pricing
DAYS_A_MONTH = 30
REPEATED = "REPEATED"
# A table may refuse what does not bound its partitions, a view's query as well.
EVER = "TIMESTAMP '2000-01-01 00:00:00+00'"


@dataclass(frozen=True, kw_only=True)
class Format:
    """The columns of one kind of raw table; the first two must be there."""

    time: str
    questions: str
    answers: str
    version: str
    request: str | None = None  # the column that tells a request from its copy
    model: str | None = None


VERTEX = Format(
    time="logging_time",
    questions="request_payload",
    answers="response_payload",
    version="deployed_model_id",
    request="request_id",
)
LEGACY = Format(
    time="time",
    questions="raw_data",
    answers="raw_prediction",
    version="model_version",
    model="model",
)


@dataclass(frozen=True, kw_only=True)
class LogTable:
    """A raw table that is there; `legacy_model` is its model's name in AI Platform."""

    name: str
    format: Format = VERTEX
    modes: Mapping[str, str] = field(default_factory=dict)  # by column
    partitioned: bool = True
    bytes: int = 0
    legacy_model: str | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of its counts must know, in sentences."""
        notes = []
        if not self.partitioned:
            gib = self.bytes / GIB
            dollars = gib / 1024 * DOLLARS_A_TIB * DAYS_A_MONTH
            notes.append(
                f"{self.name} is not partitioned by {self.format.time}: each day's count reads "
                f"all of its {gib:.1f} GiB, about {dollars:.2f} $ a month"
            )
        missing = [name for name in (self.format.version, self.format.answers) if name]
        for column in missing:
            if column not in self.modes:
                notes.append(f"{self.name} has no column {column}: {LACKS[column]}")
        return tuple(notes)

    def day(self, day: date) -> str:
        """A query of the day's requests: id, questions and answers, each request once.

        The times are literals, so that other partitions are not read
        (docs.cloud.google.com/bigquery/docs/querying-partitioned-tables).
        """
        begin = datetime.combine(day, time(), UTC)
        end = begin + timedelta(days=1)
        moment = self.format.time
        conditions = [
            f"{moment} >= TIMESTAMP '{begin:%Y-%m-%d %H:%M:%S}+00'",
            f"{moment} < TIMESTAMP '{end:%Y-%m-%d %H:%M:%S}+00'",
        ]
        return self._requests(conditions) + self._once()

    def all(self) -> str:
        """A query of all requests, copies included, which a reader of it bounds by `moment`."""
        request = self._or(self.format.request or "", "CAST(NULL AS STRING)")
        request_id = f"CAST({request} AS STRING) AS request_id"
        return self._requests([f"{self.format.time} >= {EVER}"], self.format.time, request_id)

    def _requests(self, conditions: Sequence[str], moment: str = "", request: str = "") -> str:
        more = [f"{moment} AS moment", request] if moment else []
        version = self._or(self.format.version, "CAST(NULL AS STRING)")
        columns = [
            *more,
            f"IFNULL({version}, '') AS id",
            f"{self._elements(self.format.questions, 'instances')} AS questions",
            f"{self._elements(self.format.answers, 'predictions')} AS answers",
        ]
        chosen = list(conditions)
        if self.legacy_model and self.format.model in self.modes:
            chosen.append(f"{self.format.model} = {json_texts.literal(self.legacy_model)}")
        where = f"\nWHERE {' AND '.join(chosen)}" if chosen else ""
        return f"SELECT {', '.join(columns)}\nFROM `{self.name}`{where}"

    def _once(self) -> str:
        """Keep a request's first row; one without an id has no copy that could be told."""
        request = self.format.request
        if request not in self.modes:
            return ""
        place = f"ROW_NUMBER() OVER (PARTITION BY {request} ORDER BY {self.format.time})"
        return f"\nQUALIFY {request} IS NULL OR {place} = 1"

    def _elements(self, column: str, key: str) -> str:
        """An array of JSON texts; a body that is one text holds it under `key`."""
        if column not in self.modes:
            return "ARRAY<STRING>[]"
        if self.modes[column] == REPEATED:
            return column
        whole_body = f"REGEXP_CONTAINS({column}, {json_texts.raw(json_texts.BODY)})"
        body = f"IF({whole_body}, {column}, NULL)"
        # The cast is for local-bigquery, which would read `column` as JSON, too.
        elements = f"CAST(JSON_QUERY_ARRAY({body}, '$.{key}') AS ARRAY<STRING>)"
        return f"IFNULL({elements}, [{column}])"

    def _or(self, column: str, otherwise: str) -> str:
        return column if column in self.modes else otherwise


LACKS = {
    VERTEX.version: "no row can be given to a version",
    VERTEX.answers: "its instances have no scores",
    LEGACY.version: "no row can be given to a version",
    LEGACY.answers: "its instances have no scores",
}


def described(client: BigQuery, name: str, *, legacy_model: str | None = None) -> LogTable | None:
    """The raw table as it is, or None where there is none yet.

    Raises RunError for a table that is no request log.
    """
    from google.api_core.exceptions import NotFound

    if not NAME.fullmatch(name):
        raise RunError(f"the request log is {name[:80]!r}, allowed is PROJECT.DATASET.TABLE")
    format_ = LEGACY if legacy_model else VERTEX
    with asking(f"the request log {name}"):
        try:
            table = client.get_table(name)
        except NotFound:
            return None
    modes = {column.name: column.mode for column in table.schema}
    for column in (format_.time, format_.questions):
        if column not in modes:
            raise RunError(
                f"the request log {name} has no column {column}, allowed is a table "
                f"with {format_.time} and {format_.questions}: its columns are {', '.join(modes)}"
            )
    partitioning = table.time_partitioning
    return LogTable(
        name=name,
        format=format_,
        modes=modes,
        partitioned=partitioning is not None and partitioning.field == format_.time,
        bytes=table.num_bytes or 0,
        legacy_model=legacy_model,
    )
