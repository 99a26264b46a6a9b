"""One aggregate statement over the request log of one model and one day.

It counts instances by the bins of each served version's baseline. No row leaves BigQuery, and no
value but frequent ones of columns that are not personal. The same text runs on local-bigquery, by
a few detours: an array's places are a column before they are unnested, since DuckDB is ten times
slower with an offset; an element is asked by SAFE_ORDINAL, since SAFE_OFFSET of a column is one
too low there; bins are nested IFs, since RANGE_BUCKET is a lambda over a list for each row.
"""

from collections.abc import Iterable
from datetime import date

from pipeline.baseline.counting import OTHER_VALUES
from pipeline.baseline.profile import SCORE_BINS
from pipeline.errors import RunError
from pipeline.monitoring.log import bin_expressions, counters, json_texts
from pipeline.monitoring.log.json_texts import literal
from pipeline.monitoring.log.layout import Layout, ServedColumn
from pipeline.monitoring.log.log_tables import LogTable
from pipeline.serving.row_key import ROW_KEY, SMOKE

# docs.cloud.google.com/bigquery/quotas#query_jobs: "Maximum unresolved GoogleSQL query length".
MAXIMUM_BYTES = 1_000_000
SCORE_EDGES = tuple(place / SCORE_BINS for place in range(1, SCORE_BINS))


def text(table: LogTable, day: date, layout: Layout) -> str:
    """The statement; RunError where BigQuery would not take it."""
    _refuse_unnameable(layout)
    layers = [
        f"WITH requests AS (\n{table.day(day)}\n)",
        elements(layout),
        objects(),
        values(layout),
        _owned(layout),
        _binned(layout),
    ]
    statement = ",\n".join(layers) + _counted(layout)
    size = len(statement.encode())
    if size > MAXIMUM_BYTES:
        raise RunError(
            f"the statement that counts {table.name} has {size:,} bytes, "
            f"allowed are BigQuery's {MAXIMUM_BYTES:,}: {len(layout.columns)} columns of "
            f"{len(layout.baselines)} versions are too many, or their values too long"
        )
    return statement


def elements(layout: Layout) -> str:
    """An instance a row; a request without any has one, too, which counts as a request alone."""
    ids = " ".join(
        f"WHEN {literal(id_)} THEN {place}" for id_, place in sorted(layout.places.items())
    )
    baseline = f"CASE id {ids} END" if ids else "CAST(NULL AS INT64)"
    return f"""placed AS (
SELECT *, ARRAY_LENGTH(questions) AS size,
  GENERATE_ARRAY(1, GREATEST(ARRAY_LENGTH(questions), 1)) AS places
FROM requests
),
elements AS (
SELECT id, {baseline} AS baseline, size,
  questions[SAFE_ORDINAL(place)] AS question, answers[SAFE_ORDINAL(place)] AS answer
FROM placed, UNNEST(places) AS place
)"""


def objects() -> str:
    """Malformed questions are null from here on, and so are those of a smoke test."""
    smoke = json_texts.raw(f'"{ROW_KEY}"{json_texts.SPACE}:{json_texts.SPACE}"{SMOKE}"')
    is_object = f"REGEXP_CONTAINS(question, {json_texts.raw(json_texts.INSTANCE)})"
    is_smoke = f"STRPOS(question, {literal(SMOKE)}) > 0 AND REGEXP_CONTAINS(question, {smoke})"
    return f"""marked AS (
SELECT *, IFNULL({is_smoke}, FALSE) AS is_smoke
FROM elements
),
objects AS (
SELECT id, baseline, size, is_smoke, IF({is_object} AND NOT is_smoke, question, NULL) AS object,
  SAFE_CAST(answer AS FLOAT64) AS score
FROM marked
)"""


def values(layout: Layout) -> str:
    """Of numbers their JSON, in which a text has quotes; of categories their value as text.

    A null of JSON is SQL's in BigQuery, and the text null here, where JSON_QUERY's type is JSON.
    """
    expressions = [
        "id, baseline, size, is_smoke, object",
        "IF(IS_NAN(score), NULL, score) AS score",
    ]
    for column in layout.columns.values():
        path = json_texts.path(column.name)
        if column.is_number:
            json = f"CAST(JSON_QUERY(object, {path}) AS STRING)"
            expressions.append(f"NULLIF({json}, 'null') AS j{column.place}")
        if column.is_category:
            expressions.append(f"JSON_VALUE(object, {path}) AS v{column.place}")
    return layer("valued", expressions, "objects")


def _owned(layout: Layout) -> str:
    """Whose instances hold a column of their own version's baseline, and the numbers."""
    owners = []
    for index, baseline in enumerate(layout.baselines):
        values = ", ".join(_present(layout.columns[name]) for name in baseline.columns)
        owners.append(f"WHEN baseline = {index} AND COALESCE({values}) IS NOT NULL THEN {index}")
    owner = f"CASE {' '.join(owners)} END" if owners else "CAST(NULL AS INT64)"
    return layer("owned", ["*", f"{owner} AS owner", *numbers(layout)], "valued")


def numbers(layout: Layout) -> list[str]:
    """The columns of finite numbers, from their JSON."""
    infinite = "CAST('inf' AS FLOAT64)"
    expressions = []
    for place in layout.numbers:
        number = f"SAFE_CAST(j{place} AS FLOAT64)"
        expressions.append(f"NULLIF(NULLIF({number}, {infinite}), -{infinite}) AS n{place}")
    return expressions


def _present(column: ServedColumn) -> str:
    return f"j{column.place}" if column.is_number else f"v{column.place}"


def _binned(layout: Layout) -> str:
    score_bin = bin_expressions.nested("score", SCORE_EDGES)
    expressions = [
        "*",
        "owner IS NOT NULL OR (baseline IS NULL AND object IS NOT NULL) AS is_own",
        f"IF(score IS NULL OR owner IS NULL, NULL, {score_bin}) AS score_bin",
        f"{bin_expressions.part(layout)} AS part",
    ]
    for column in layout.columns.values():
        expressions.append(f"{bin_expressions.column_bin(column)} AS b{column.place}")
    for place in range(len(layout.pair_cells)):
        expressions.append(f"{bin_expressions.pair_cell(layout, place)} AS p{place}")
    for place in layout.numbers:
        expressions.append(f"LN(IF(n{place} > 0, n{place}, NULL)) AS l{place}")
    return layer("binned", expressions, "owned")


def _counted(layout: Layout) -> str:
    whole_numbers = lines(counters.counters(layout).values())
    sums = lines(counters.sums(layout).values())
    expressions = [
        "id",
        "IFNULL(part, '') AS slices",
        f"[{whole_numbers}] AS counters",
        f"[{sums}] AS sums",
    ]
    for column in counters.named_columns(layout):
        place = column.place
        other = f"IF(b{place} = {counters.OTHER}, v{place}, NULL)"
        # One more than is named: BigQuery counts null as a value.
        top = f"APPROX_TOP_COUNT({other}, {OTHER_VALUES + 1})"
        expressions.append(f"{top} AS other_{place}")
    return f"\nSELECT {lines(expressions)}\nFROM binned\nGROUP BY id, part"


def layer(name: str, expressions: Iterable[str], source: str) -> str:
    return f"{name} AS (\nSELECT {lines(expressions)}\nFROM {source}\n)"


def lines(expressions: Iterable[str]) -> str:
    return ",\n  ".join(expressions)


def _refuse_unnameable(layout: Layout) -> None:
    for name in layout.columns:
        if set(name) & set('"\\'):
            raise RunError(
                f"the column {name!r} can't be counted in the request log, allowed are names "
                "without a quotation mark and a backslash, which a JSON path of BigQuery's lacks"
            )
