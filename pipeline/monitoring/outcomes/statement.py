"""One aggregate statement that joins a day of the request log with the outcomes of its instances.

It counts by the served version, by the gate's slices, by outcome, and by score or by days until the
outcome was known. No row leaves BigQuery, and no key.
"""

from dataclasses import replace
from datetime import date

from pipeline.baseline.content import Baseline
from pipeline.monitoring.log import bin_expressions, json_texts, statement
from pipeline.monitoring.log.layout import Layout
from pipeline.monitoring.log.log_tables import LogTable
from pipeline.monitoring.outcomes.table import LabelTable
from pipeline.serving.row_key import ROW_KEY

BINS = 1000  # of equal width, from 0 to 1
ARRIVED = "arrived"  # of the rows of the table, which no version has


def text(log: LogTable, label_table: LabelTable, day: date, versions: dict[str, Baseline]) -> str:
    layout = Layout({id_: _of_slices(baseline) for id_, baseline in versions.items()})
    layers = [
        f"WITH requests AS (\n{log.day(day)}\n)",
        f"outcomes AS (\n{label_table.outcomes(day)}\n)",
        statement.elements(layout),
        statement.objects(),
        statement.values(layout),
        _keyed(layout),
        _joined(layout, day),
    ]
    return ",\n".join(layers) + _counted()


def _of_slices(baseline: Baseline) -> Baseline:
    """The baseline of those columns alone that the slices need."""
    names = {part.column for part in baseline.slices}
    columns = {name: baseline.columns[name] for name in sorted(names)}
    return replace(baseline, columns=columns, pairs=())


def _keyed(layout: Layout) -> str:
    """Instances of the log that are no smoke test, with their caller's key."""
    key = f"JSON_VALUE(object, {json_texts.path(ROW_KEY)}) AS key"
    numbers = statement.numbers(layout)
    lines = statement.lines(["*", "baseline AS owner", key, *numbers])
    return f"keyed AS (\nSELECT {lines}\nFROM valued\nWHERE object IS NOT NULL\n)"


def _joined(layout: Layout, day: date) -> str:
    """The last bin has its upper edge."""
    score_bin = f"LEAST(CAST(FLOOR(score * {BINS}) AS INT64), {BINS - 1})"
    expressions = [
        "id",
        "size",
        f"{bin_expressions.part(layout)} AS part",
        f"IF(score >= 0 AND score <= 1, {score_bin}, NULL) AS score_bin",
        f"TIMESTAMP_DIFF(known, TIMESTAMP '{day} 00:00:00+00', DAY) AS age",
        _STATE,
    ]
    source = "keyed LEFT JOIN outcomes ON key = label_key"
    return statement.layer("joined", expressions, source)


_STATE = """CASE WHEN key IS NULL THEN 'unkeyed' WHEN label_key IS NULL THEN 'unlabelled'
  WHEN lowest <> highest THEN 'contradicting' WHEN highest = 1 THEN 'positive'
  WHEN highest = 0 THEN 'negative' ELSE 'invalid' END AS state"""


def _counted() -> str:
    """Each instance twice, by its score and by its age, so that the log is read once."""
    return f"""
SELECT id, IFNULL(part, '') AS slices, state, kind,
  IF(kind = 'score', score_bin, age) AS place, COUNT(*) AS instances, SUM(size) AS squares
FROM joined, UNNEST(['score', 'age']) AS kind
GROUP BY 1, 2, 3, 4, 5
UNION ALL
SELECT '', '', '{ARRIVED}', 'score', CAST(NULL AS INT64), IFNULL(SUM(copies), 0), 0
FROM outcomes"""
