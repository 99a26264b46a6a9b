"""The dry runs of a stand-in for BigQuery: what a query would read.

It refuses what BigQuery refuses: a dataset of another location than the job's ("BigQuery returns an
error if the specified location does not match the location of the datasets",
docs.cloud.google.com/bigquery/docs/locations), a table that is not there, a parameter without a
value. Views are answered by their tables, as a plan does (github.com/dust-tt/dust/pull/13710). It
reads names in backticks and parameters outside of comments, and no more of SQL; it runs no query.
"""

import re
from collections.abc import Iterator, Mapping

import sqlglot

from tests.standins.bigquery_tables import Body, Refused, reference

NAME = re.compile(r"`([\w-]+)\.(\w+)\.(\w+)`")


def finished(
    job: Body, datasets: Mapping[str, str], tables: Mapping[str, object], views: Mapping[str, str]
) -> Body:
    """The job with its statistics.

    `datasets` maps PROJECT.DATASET to its location, `views` a name to its query.
    """
    configuration = job["configuration"]
    if not configuration.get("dryRun"):
        raise Refused(501, "the stand-in runs no query")
    query = configuration["query"]["query"]
    if any(token.text == "@" for token in sqlglot.tokenize(query, read="bigquery")):
        raise Refused(400, "Query parameter not found")
    location = job["jobReference"].get("location")
    references = []
    for name in sorted(set(_tables(query, location, datasets, views))):
        if name not in tables:
            raise Refused(404, f"Not found: Table {name.replace('.', ':', 1)}")
        references.append(reference(name))
    statistics = {"query": {"referencedTables": references}}
    return job | {"statistics": statistics, "status": {"state": "DONE"}}


def _tables(
    query: str, location: str | None, datasets: Mapping[str, str], views: Mapping[str, str]
) -> Iterator[str]:
    """The names of the query's tables, read directly or by a view."""
    for project, dataset, table in NAME.findall(query):
        actual_location = datasets.get(f"{project}.{dataset}")
        if actual_location is None or location not in (None, actual_location):
            message = f"Not found: Dataset {project}:{dataset} was not found in location {location}"
            raise Refused(404, message)
        name = f"{project}.{dataset}.{table}"
        if name in views:
            yield from _tables(views[name], location, datasets, views)
        else:
            yield name
