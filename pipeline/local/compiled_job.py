"""Reads a compiled job that can be rehearsed; any other file is refused."""

import json
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.local import code_digest, job_form
from pipeline.local.metadata_store import Json
from settings.values import cut

SCHEMA_VERSION = "2.1.0"


def read(file: Path) -> Json:
    """The job in `file`, compiled for this machine by this code; raises ConfigurationError."""
    try:
        job: Json = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{file}: there is no such file; `compile --env local` writes one"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{file}: not a compiled pipeline job ({error!r})") from error
    problem = job_form.problem(job)
    if problem:
        raise ConfigurationError(f"{file}: not a compiled pipeline job ({cut(problem)})")
    root = job["runtimeConfig"]["gcsOutputDirectory"]
    spec = job["pipelineSpec"]
    version = spec["schemaVersion"]
    executors = spec["deploymentSpec"]["executors"]
    if "://" in root:
        raise ConfigurationError(
            f"{file}: its root is {root}, allowed is a folder here: "
            "only a spec of `compile --env local` can be rehearsed"
        )
    if version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{file}: its schema version is {version}, allowed is {SCHEMA_VERSION}"
        )
    containers = [
        executor["container"] for executor in executors.values() if "container" in executor
    ]
    images = {container["image"] for container in containers}
    if code_digest.reference() not in images:
        raise ConfigurationError(
            f"{file}: it was compiled by other code than what would run it here; compile it again"
        )
    return job
