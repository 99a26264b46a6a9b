"""Tells Vertex's cache when the tables of a query were last modified.

Vertex runs this program before it looks for an earlier ingestion with the same inputs. A table that
was loaded anew is thereby read anew, on the same day, too. "This hook is invoked before caching
check. It can change the properties of the execution and output artifacts before they are used to
compute the cache key" (kubeflow/pipelines, api/v2alpha1/pipeline_spec.proto, pre_cache_check); TFX
runs its FileBasedExampleGen's driver there.
"""

import argparse
import json
import re
import sys
import uuid
from typing import Any

from pipeline.gcp import clients
from pipeline.gcp.protocols import BigQuery
from pipeline.model import sql

COMMAND = ["python", "-m", "pipeline.components.table_times"]
ARGUMENTS = ["--json_serialized_invocation_args", "{{$}}"]
Json = dict[str, Any]
# Of more tables BigQuery does not name all (JobStatistics2.referencedTables).
MOST_TABLES = 50
TIMED = ("SNAPSHOT", "TABLE", "VIEW")  # types whose modification time tells of every change
NAME = re.compile(r"[\w-]+\.\w+\.[\w-]+")  # PROJECT.DATASET.TABLE, and no wildcard


def main(arguments: list[str]) -> None:
    from tfx.dsl.io import fileio

    parser = argparse.ArgumentParser()
    parser.add_argument("--json_serialized_invocation_args", type=json.loads, dest="invocation")
    options, _ = parser.parse_known_args(arguments)
    output = executor_output(options.invocation)
    file = options.invocation["outputs"]["outputFile"]
    folder, _, _ = file.rpartition("/")
    fileio.makedirs(folder)
    with fileio.open(file, "w") as stream:
        stream.write(json.dumps(output))


def executor_output(invocation: Json) -> Json:
    """The execution's parameter `tables`, as Vertex takes it from this program."""
    parameters = invocation["inputs"]["parameterValues"]
    input_config = json.loads(parameters["input_config"])
    [split] = input_config["splits"]
    client = clients.bigquery(parameters["project"], parameters["location"])
    times = modification_times(client, split["pattern"])
    return {"parameterValues": {"tables": json.dumps(times, sort_keys=True)}}


def modification_times(client: BigQuery, query: str) -> dict[str, str]:
    """When each table and view was modified that the query reads, by its name.

    A dry run costs nothing, and names the tables behind the views
    (docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics2,
    github.com/dust-tt/dust/pull/13710); the views are named by the query. What cannot tell has a
    new value each time, so that it is never taken from the cache.
    """
    from google.cloud import bigquery

    job = client.query(query, job_config=bigquery.QueryJobConfig(dry_run=True))
    tables = {str(table) for table in job.referenced_tables}
    quoted_names = sql.quoted_names(query, "query.sql")
    names = tables | {name for name in quoted_names if NAME.fullmatch(name)}
    times = {name: _modification_time(client, name) for name in names}
    if len(tables) >= MOST_TABLES:
        times["and others"] = _never_seen()
    return times


def _modification_time(client: BigQuery, name: str) -> str:
    """When the table was modified last.

    A table behind an authorized view may not be looked at, and a name may be a function's or a
    model's; what lies outside BigQuery, or is still in its streaming buffer, changes without a
    time.
    """
    from google.api_core import exceptions

    try:
        table = client.get_table(name)
    except (exceptions.Forbidden, exceptions.NotFound, exceptions.BadRequest):
        return _never_seen()
    if table.table_type not in TIMED or table.streaming_buffer is not None:
        return _never_seen()
    return table.modified.isoformat()


def _never_seen() -> str:
    return f"cannot tell, {uuid.uuid4().hex}"


if __name__ == "__main__":
    main(sys.argv[1:])
