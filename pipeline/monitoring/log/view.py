"""The view of a request log for readers: a row an instance, a column each, none of them personal.

It lies in the dataset of views, which the log's dataset lets read it
(docs.cloud.google.com/bigquery/docs/authorized-datasets): its readers need no access to the log.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence

from pipeline.baseline.content import Baseline, Column
from pipeline.gcp import bigquery
from pipeline.gcp.protocols import BigQuery
from pipeline.monitoring.log import json_texts
from pipeline.monitoring.log.json_texts import literal
from pipeline.monitoring.log.log_tables import LogTable
from pipeline.serving.row_key import ROW_KEY, SMOKE

TYPES = {"INT": "INT64", "FLOAT": "FLOAT64", "BYTES": "STRING"}
OTHER = "(other)"  # in place of a value that fewer than ten instances have
# docs.cloud.google.com/bigquery/docs/schemas#column_names
NOT_IN_NAMES = re.compile(r"\W", re.ASCII)
RESERVED = re.compile(
    r"_TABLE_|_FILE_|_PARTITION|_ROW_TIMESTAMP|__ROOT__|_COLIDENTIFIER|_CHANGE_", re.I
)
DESCRIPTION = "The request log by column, without the personal ones; the monitor renews it"
LABEL = "query"  # of the view: its query's digest
OWN = ("logging_time", "deployed_model_id", "request_id", "score")


def keep(
    client: BigQuery,
    log: LogTable,
    view: str,
    baselines: Sequence[Baseline],
    named: Mapping[str, Sequence[str]] | None = None,
) -> bool:
    """Make the view, or replace one of other columns or values; return whether it did.

    `baselines` are of the served versions, the newest last. `named` are values of columns beside
    the baselines' own that at least ten instances had.
    """
    from google.api_core.exceptions import NotFound

    query = text(log, baselines, named or {})
    digest = hashlib.sha256(query.encode()).hexdigest()[:32]
    with bigquery.asking(f"the view {view}"):
        try:
            if client.get_table(view).labels.get(LABEL) == digest:
                return False
        except NotFound:
            pass
    options = f"description = {literal(DESCRIPTION)}, labels = [('{LABEL}', '{digest}')]"
    statement = f"CREATE OR REPLACE VIEW `{view}` OPTIONS ({options}) AS {query}"
    bigquery.run(client, statement, f"the view {view}", labels={"purpose": "view"})
    return True


def text(log: LogTable, baselines: Sequence[Baseline], named: Mapping[str, Sequence[str]]) -> str:
    """The view's query. A reader's condition on logging_time reads those partitions alone."""
    is_object = f"REGEXP_CONTAINS(question, {json_texts.raw(json_texts.INSTANCE)})"
    is_smoke = f"JSON_VALUE(object, {json_texts.path(ROW_KEY)}) = {literal(SMOKE)}"
    columns = [
        "moment AS logging_time",
        "id AS deployed_model_id",
        "request_id",
        *_columns(baselines, named),
        "SAFE_CAST(answer AS FLOAT64) AS score",
    ]
    return f"""WITH requests AS (
{log.all()}
),
placed AS (
SELECT *, GENERATE_ARRAY(1, ARRAY_LENGTH(questions)) AS places FROM requests
),
elements AS (
SELECT moment, id, request_id, questions[SAFE_ORDINAL(place)] AS question,
  answers[SAFE_ORDINAL(place)] AS answer
FROM placed, UNNEST(places) AS place
),
objects AS (
SELECT *, IF({is_object}, question, NULL) AS object FROM elements
)
SELECT {f",{chr(10)}  ".join(columns)}
FROM objects
WHERE object IS NOT NULL AND NOT IFNULL({is_smoke}, FALSE)"""


def _columns(baselines: Sequence[Baseline], named: Mapping[str, Sequence[str]]) -> list[str]:
    """Of each column that no version calls personal: its SQL, by the newest version's type."""
    newest: dict[str, Baseline] = {}
    personal: set[str] = set()
    for baseline in baselines:
        newest |= dict.fromkeys(baseline.columns, baseline)
        personal |= {name for name, column in baseline.columns.items() if column.personal}
    taken = {name.casefold() for name in OWN}
    columns = []
    for name, baseline in newest.items():
        if name in personal:
            continue
        alias = _alias(name, taken)
        taken.add(alias.casefold())
        values = _values(baselines, name, named.get(name, ()))
        type_ = TYPES[baseline.schema[name]]
        columns.append(f"{_value(name, baseline.columns[name], type_, values)} AS `{alias}`")
    return columns


def _value(name: str, column: Column, type_: str, values: Sequence[str]) -> str:
    value = f"JSON_VALUE(object, {json_texts.path(name)})"
    if column.bins.kind == "number":
        return f"SAFE_CAST({value} AS {type_})"
    listed = ", ".join(map(literal, values))
    is_named = f"{value} IN ({listed})" if listed else "FALSE"
    return f"IF({is_named} OR {value} IS NULL, {value}, {literal(OTHER)})"


def _values(baselines: Sequence[Baseline], name: str, named: Sequence[str]) -> list[str]:
    """The values of a category that at least ten rows of training, or ten instances, have."""
    values = dict.fromkeys(named)
    for baseline in baselines:
        if name in baseline.columns:
            values |= dict.fromkeys(baseline.columns[name].bins.values)
    return sorted(values)


def _alias(name: str, taken: set[str]) -> str:
    """A column's name as BigQuery allows it, and none of two columns the same."""
    plain = NOT_IN_NAMES.sub("_", name)
    if RESERVED.match(plain) or not plain or plain[0].isdigit():
        plain = f"c_{plain}"
    alias = plain
    number = 1
    while alias.casefold() in taken:
        number += 1
        alias = f"{plain}_{number}"
    return alias
