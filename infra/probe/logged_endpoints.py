"""Two endpoints of the probe's own, their requests, and the rows of their logs.

They serve a version that the stage has registered, and log every request: Vertex makes the log
table of one, the other's is made before.
"""

import time
import tomllib
from dataclasses import dataclass

from infra.doctor.finding import NotAskedError
from infra.doctor.rest import Body
from infra.probe.log_tables import NEW_TABLE, OLDER_TABLE, make_tables, rows_of
from infra.probe.project import FAILED, Project, Thing
from settings import MODELS, model_names

REQUESTS = 20
ERROR = "probe-error"  # the row key of the request that is refused
WAIT_SECONDS = 1800  # for the first row
GRACE_SECONDS = 180  # after it, for the others


@dataclass(frozen=True)
class Log:
    """The rows of the two tables, and when the first was seen."""

    rows: list[Body]
    older_rows: list[Body]
    delay_seconds: float
    signature: str
    row_keys: list[str]
    error_status: int

    def needed_rows(self) -> list[Body]:
        if not self.rows:
            raise NotAskedError(f"no row came within {WAIT_SECONDS // 60} minutes")
        return self.rows

    def payloads(self) -> str:
        """Return the JSON texts of all requests."""
        texts: list[str] = []
        for row in self.needed_rows():
            texts += row["request_payload"]
        return "\n".join(texts)


@dataclass(frozen=True)
class Sample:
    """A registered version and an instance for it."""

    version: str
    instance: Body
    signature: str


def observe(project: Project) -> Log:
    sample = _sample(project)
    make_tables(project)
    endpoints = [_endpoint(project, table) for table in (NEW_TABLE, OLDER_TABLE)]
    operations = [_deployment(project, endpoint, sample) for endpoint in endpoints]
    for operation in operations:
        project.finish("vertex_ai", operation)
    return _logged(project, endpoints, sample)


def _sample(project: Project) -> Sample:
    for name in model_names():
        path = f"{project.location}/models/{project.names.registered_model(name)}"
        model = project.ask("vertex_ai", path)
        if model is None:
            continue
        text = (MODELS / name / "model.toml").read_text(encoding="utf-8")
        serving = tomllib.loads(text)["serving"]
        version = f"{path}@{model['versionId']}"
        return Sample(version, serving["sample"], serving["default_signature"])
    raise NotAskedError(f"{project.names.stage} has registered no model yet: deliver one first")


def _endpoint(project: Project, table: str) -> str:
    """Make an endpoint with this log table, labelled for a teardown to clear it."""
    number = project.names.endpoint(table)
    path = f"{project.location}/endpoints/{number}"
    dataset = f"{project.settings.project_id}.{project.names.dataset('requests')}"
    logging = {
        "enabled": True,
        "samplingRate": 1.0,
        "bigqueryDestination": {"outputUri": f"bq://{dataset}.{table}"},
    }
    body = {
        "displayName": project.names.probe,
        "labels": {"managed-by": "esteira", "environment": project.names.stage},
        "predictRequestResponseLoggingConfig": logging,
    }
    thing = Thing(
        f"the endpoint {path}",
        find=lambda: project.ask("vertex_ai", path),
        remove=lambda: _remove_endpoint(project, path),
    )
    creation = f"{project.location}/endpoints?endpointId={number}"
    project.make(thing, "vertex_ai", creation, body)
    return path


def _deployment(project: Project, endpoint: str, sample: Sample) -> Body:
    machine = {"machineType": project.settings.serving.machine_type}
    model = {
        "model": sample.version,
        "displayName": "probe",
        "serviceAccount": project.names.service_account_email("server"),
        "dedicatedResources": {"machineSpec": machine, "minReplicaCount": 1, "maxReplicaCount": 1},
    }
    body = {"deployedModel": model, "trafficSplit": {"0": 100}}
    return project.ask("vertex_ai", f"{endpoint}:deployModel", body) or {}


def _remove_endpoint(project: Project, path: str) -> None:
    """Wait for the endpoint's operations, undeploy its models, and delete it."""
    for operation in project.listing("vertex_ai", f"{path}/operations", "operations"):
        project.await_end("vertex_ai", operation)
    endpoint = project.ask("vertex_ai", path) or {}
    for model in endpoint.get("deployedModels", []):
        body = {"deployedModelId": model["id"]}
        operation = project.ask("vertex_ai", f"{path}:undeployModel", body) or {}
        project.finish("vertex_ai", operation)
    project.delete("vertex_ai", path)


def _logged(project: Project, endpoints: list[str], sample: Sample) -> Log:
    """Send the requests and read the log until it is complete, or nobody waits any longer."""
    row_keys = [f"probe-{number}" for number in range(REQUESTS)]
    begin = time.monotonic()
    for endpoint in endpoints:
        for key in row_keys:
            project.ask("vertex_ai", f"{endpoint}:predict", _question(sample, key))
    error_status = _error_status(project, endpoints[0], sample)
    delay_seconds = 0.0
    rows: list[Body] = []
    while True:
        elapsed_seconds = time.monotonic() - begin
        rows, older_rows = rows_of(project, NEW_TABLE), rows_of(project, OLDER_TABLE)
        if rows and not delay_seconds:
            delay_seconds = elapsed_seconds
        limit_seconds = delay_seconds + GRACE_SECONDS if rows else WAIT_SECONDS
        if elapsed_seconds > limit_seconds:
            break
        project.pause()
    return Log(rows, older_rows, delay_seconds, sample.signature, row_keys, error_status)


def _question(sample: Sample, key: str) -> Body:
    instance = {**sample.instance, "_key": key}
    return {"instances": [instance], "parameters": {"signature": sample.signature}}


def _error_status(project: Project, endpoint: str, sample: Sample) -> int:
    """Send a request outside our server's contract, and return the status of its answer."""
    question = _question(sample, ERROR)
    question["parameters"] = {"probe": True}
    try:
        project.ask("vertex_ai", f"{endpoint}:predict", question)
    except NotAskedError as error:
        if 400 <= error.status < FAILED:
            return error.status
        raise
    raise NotAskedError("a request with an unknown parameter was answered, so no error was seen")
