"""The content and delay of Vertex's logs, in the stage's and the probe's tables."""

import json

from infra.doctor.finding import NotAskedError
from infra.probe.answer import Observation
from infra.probe.logged_endpoints import ERROR, REQUESTS, Log, observe
from infra.probe.project import Project
from settings import model_names

ROW_SECONDS = 600  # in which a row is assumed to be there


def partitioned(project: Project) -> Observation:
    """Say whether Vertex's log tables of the stage are partitioned."""
    name = project.names.dataset("requests")
    dataset = f"projects/{project.settings.project_id}/datasets/{name}"
    for model in model_names():
        table_name = project.names.request_table(model)
        table = project.ask("big_query", f"{dataset}/tables/{table_name}")
        if table is None:
            continue
        if partitioning := table.get("timePartitioning"):
            field = partitioning.get("field", "the time of ingestion")
            return Observation(True, f"{table_name} is partitioned by {field}")
        return Observation(False, f"{table_name} is not partitioned")
    raise NotAskedError(f"{dataset} has no log table yet: Vertex makes it with a logged request")


def takes_older_table(project: Project) -> Observation:
    log: Log = project.once(observe)
    log.needed_rows()
    if log.older_rows:
        return Observation(True, "rows came to a table that was made before")
    return Observation(False, "no row came to a table that was made before")


def logs_no_errors(project: Project) -> Observation:
    log: Log = project.once(observe)
    text = json.dumps(log.needed_rows())
    request = f"the request that was answered with {log.error_status}"
    if ERROR in text:
        return Observation(False, f"{request} is logged")
    return Observation(True, f"{request} is not logged")


def has_unique_ids(project: Project) -> Observation:
    log: Log = project.once(observe)
    ids = [row.get("request_id") for row in log.needed_rows()]
    distinct_ids = set(ids) - {None}
    detail = f"{len(ids)} rows have {len(distinct_ids)} request_ids"
    return Observation(len(ids) == len(distinct_ids), detail)


def logs_row_keys(project: Project) -> Observation:
    log: Log = project.once(observe)
    text = log.payloads()
    keys = [key for key in log.row_keys if f'"{key}"' in text]
    detail = f"{len(keys)} of {REQUESTS} row keys are in the log"
    return Observation(keys == log.row_keys, detail)


def logs_no_parameters(project: Project) -> Observation:
    log: Log = project.once(observe)
    if log.signature in log.payloads():
        return Observation(False, "parameters are in the request's payload")
    return Observation(True, "parameters are not in the request's payload")


def logs_in_time(project: Project) -> Observation:
    log: Log = project.once(observe)
    log.needed_rows()
    detail = f"the first row was there {log.delay_seconds:.0f} s after its request"
    return Observation(log.delay_seconds <= ROW_SECONDS, detail)
