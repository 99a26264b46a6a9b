"""A model's query.sql: its placeholders, and the location of its tables.

In a comment, a string or a quoted name, @begin is text.
"""

import re
from datetime import date

from pipeline.errors import ConfigurationError
from pipeline.model import sql
from pipeline.model.folder import ModelFolder
from pipeline.model.window import Window
from settings.values import cut, shown

PLACEHOLDERS = ("@begin", "@end", "@table")
BEGINNINGS = ("SELECT", "WITH", "FROM", "(")  # of what can stand in another query's FROM
TABLE = re.compile(r"[^`\s]+\.[^`\s]+")  # a quoted column has no dot
# The EU holds data of member states alone: London and Zürich are regions of their own
# (docs.cloud.google.com/bigquery/docs/locations).
NO_MEMBER_STATES = ("europe-west2", "europe-west6")


def written_out(folder: ModelFolder, table: str, end: date) -> str:
    """The folder's query.sql over `table`, one statement, with its window written out."""
    window = Window.before(end, folder)
    values = {
        "@begin": f'TIMESTAMP("{window.begin}")',
        "@end": f'TIMESTAMP("{window.end}")',
        "@table": f"`{table}`",
    }
    query = _statement(folder)
    parts, place = [], 0
    for placeholder in _placeholders(folder, query):
        before = query[place : placeholder.start]
        parts += [before, *_space_after(before), values[placeholder.name]]
        place = placeholder.end
    return "".join([*parts, query[place:]])


def _space_after(text: str) -> list[str]:
    """A space after a word right before a placeholder: no @ parts them any more."""
    is_word = bool(text) and (text[-1].isalnum() or text[-1] == "_")
    return [" "] if is_word else []


def reads_own_table(folder: ModelFolder) -> bool:
    """Say whether the query asks for the stage's own table of the model."""
    query = _text(folder)
    return any(placeholder.name == "@table" for placeholder in _placeholders(folder, query))


def location(folder: ModelFolder, region: str) -> str:
    """Where the query runs, for a stage in `region`.

    Raises ConfigurationError where the stage cannot read what the query reads. A run exports the
    query's result to the stage's bucket, and "the BigQuery dataset and the Cloud Storage bucket
    must be in the same location" (docs.cloud.google.com/bigquery/docs/exporting-data).
    """
    declared = folder.declaration.data.location
    file = f"{folder.path}/model.toml"
    tables = _quoted_tables(folder)
    if declared is None and tables:
        raise ConfigurationError(
            f"{file}: data.location is missing, and query.sql reads {cut(tables[0], 80)}: "
            "allowed is the location of its dataset, such as US or europe-west1"
        )
    if declared is None or declared == region:
        return region
    readable = _locations_with(region)
    if declared not in readable:
        raise ConfigurationError(
            f"{file}: data.location is {shown(declared)}, "
            f"allowed for a stage in {region} is {' or '.join(readable)}: "
            "BigQuery hands its rows only to a bucket of the same location"
        )
    if reads_own_table(folder):
        raise ConfigurationError(
            f"{file}: data.location is {shown(declared)}, and query.sql also reads @table: "
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


def _statement(folder: ModelFolder) -> str:
    """The one statement in query.sql, without its final semicolons.

    A run puts it into another query's FROM.
    """
    query, file = _text(folder), _file(folder)
    semicolons = sql.semicolons(query, file)
    words = [token for token in sql.tokens(query, file) if token.start not in semicolons]
    if not words:
        raise ConfigurationError(f"{file}: there is no statement, allowed is a query")
    if words[0].text.upper() not in BEGINNINGS:
        raise ConfigurationError(
            f"{file}: the statement begins with {shown(words[0].text)}, "
            f"allowed are {', '.join(BEGINNINGS)}"
        )
    if any(place < words[-1].start for place in semicolons):
        raise ConfigurationError(f"{file}: there is more than one statement, allowed is one query")
    letters = [letter for place, letter in enumerate(query) if place not in semicolons]
    return "".join(letters).rstrip()


def _placeholders(folder: ModelFolder, query: str) -> list[sql.Parameter]:
    """The placeholders in order; raises ConfigurationError for an unknown one."""
    file = _file(folder)
    parameters = list(sql.parameters(query, file))
    for parameter in parameters:
        if parameter.name not in PLACEHOLDERS:
            raise ConfigurationError(
                f"{file}: an unknown placeholder {cut(parameter.name, 80)}, "
                "allowed are @begin, @end and @table"
            )
    return parameters


def _quoted_tables(folder: ModelFolder) -> list[str]:
    """The query's table names in backticks."""
    names = sql.quoted_names(_text(folder), _file(folder))
    return [name for name in names if TABLE.fullmatch(name)]


def _file(folder: ModelFolder) -> str:
    return f"{folder.path}/query.sql"


def _text(folder: ModelFolder) -> str:
    file = folder.path / "query.sql"
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{file}: byte {error.start} is {error.object[error.start]:#04x}, which is not UTF-8: "
            "allowed is a text file in UTF-8"
        ) from error
