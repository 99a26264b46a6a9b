"""The probe's own two log tables: one made by Vertex, one made before."""

import json

from infra.doctor.rest import Body
from infra.probe.project import Project

# No model's table: their names are in lower case.
NEW_TABLE, OLDER_TABLE = "Probe_made_by_vertex", "Probe_made_before"
# https://cloud.google.com/vertex-ai/docs/predictions/online-prediction-logging
TYPES = {
    "endpoint": "STRING",
    "deployed_model_id": "STRING",
    "logging_time": "TIMESTAMP",
    "request_id": "NUMERIC",
    "request_payload": "STRING",
    "response_payload": "STRING",
}
REPEATED = ("request_payload", "response_payload")


def make_tables(project: Project) -> None:
    """Make one table; note the other for Vertex to make, free of old rows."""
    dataset = project.names.dataset("requests")
    tables = f"projects/{project.settings.project_id}/datasets/{dataset}/tables"
    body = _table(project, OLDER_TABLE)
    older_table = project.thing("the table", "big_query", f"{tables}/{OLDER_TABLE}")
    project.make(older_table, "big_query", tables, body)
    new_table = project.thing("the table", "big_query", f"{tables}/{NEW_TABLE}")
    project.note(new_table)


def _table(project: Project, name: str) -> Body:
    fields = [
        {"name": field, "type": type_, "mode": "REPEATED" if field in REPEATED else "NULLABLE"}
        for field, type_ in TYPES.items()
    ]
    return {
        "tableReference": {
            "projectId": project.settings.project_id,
            "datasetId": project.names.dataset("requests"),
            "tableId": name,
        },
        "schema": {"fields": fields},
        "timePartitioning": {"type": "DAY", "field": "logging_time"},
    }


def rows_of(project: Project, table: str) -> list[Body]:
    """Return the table's rows; a missing table has none."""
    dataset = f"{project.settings.project_id}.{project.names.dataset('requests')}"
    query = {
        "query": f"SELECT TO_JSON_STRING(t) FROM `{dataset}.{table}` AS t",
        "useLegacySql": False,
        "location": project.settings.region,
    }
    path = f"projects/{project.settings.project_id}/queries"
    answer = project.look("big_query", path, query) or {}
    rows = answer.get("rows", [])
    return [json.loads(row["f"][0]["v"]) for row in rows]
