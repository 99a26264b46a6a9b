"""A model's query.sql: its placeholders, and the location of what it reads."""

import re
from datetime import date, timedelta

from pipeline.errors import ConfigurationError
from pipeline.model.folder import ModelFolder

COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
TABLE = re.compile(r"`([^`\s]+\.[^`\s]+)`")  # a quoted column has no dot
# The EU holds data of member states alone: London and Zürich are regions of their own
# (docs.cloud.google.com/bigquery/docs/locations).
NO_MEMBER_STATES = ("europe-west2", "europe-west6")


def written_out(folder: ModelFolder, table: str, end: date) -> str:
    """The folder's query.sql over `table`, with its window written out."""
    begin = end - timedelta(days=folder.declaration.data.window_days)
    query = (folder.path / "query.sql").read_text()
    values = {
        "@begin": f'TIMESTAMP("{begin}")',
        "@end": f'TIMESTAMP("{end}")',
        "@table": f"`{table}`",
    }
    for placeholder, value in values.items():
        query = query.replace(placeholder, value)
    if "@" in query:
        name = query.split("@")[1].split()[0]
        raise ConfigurationError(
            f"{folder.path}/query.sql: an unknown placeholder @{name}, "
            "allowed are @begin, @end and @table"
        )
    return query


def reads_own_table(folder: ModelFolder) -> bool:
    """Say whether the query asks for the stage's own table of the model."""
    return "@table" in _code(folder)


def location(folder: ModelFolder, region: str) -> str:
    """Where the query runs, for a stage in `region`.

    Raises ConfigurationError where the stage cannot read what the query reads. A run exports the
    query's result to the stage's bucket, and "the BigQuery dataset and the Cloud Storage bucket
    must be in the same location" (docs.cloud.google.com/bigquery/docs/exporting-data).
    """
    declared = folder.declaration.data.location
    file = f"{folder.path}/model.toml"
    tables = TABLE.findall(_code(folder))
    if declared is None and tables:
        raise ConfigurationError(
            f"{file}: data.location is missing, and query.sql reads {tables[0]}: "
            "allowed is the location of its dataset, such as US or europe-west1"
        )
    if declared is None or declared == region:
        return region
    readable = _locations_with(region)
    if declared not in readable:
        raise ConfigurationError(
            f"{file}: data.location is {declared!r}, "
            f"allowed for a stage in {region} is {' or '.join(readable)}: "
            "BigQuery hands its rows only to a bucket of the same location"
        )
    if reads_own_table(folder):
        raise ConfigurationError(
            f"{file}: data.location is {declared!r}, and query.sql also reads @table: "
            f"allowed is {region}, where @table lies, since a query reads one location"
        )
    return declared


def _locations_with(region: str) -> list[str]:
    """The locations that hold a region: itself, and its multi-region."""
    if region.startswith("us-"):
        return [region, "US"]
    if region.startswith("europe-") and region not in NO_MEMBER_STATES:
        return [region, "EU"]
    return [region]


def _code(folder: ModelFolder) -> str:
    """The query without its comments."""
    query = (folder.path / "query.sql").read_text()
    return COMMENT.sub("", query)
