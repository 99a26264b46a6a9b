"""Vertex ML Metadata: what a stage's runs have read and made.

Artifacts and executions are asked for by few hops: a whole graph of runs that share a schema is
refused beyond 1,000 nodes. cloud.google.com/vertex-ai/docs/ml-metadata/analyzing
"""

import json
from typing import Any

from pipeline.gcp.clients import patiently
from pipeline.gcp.stage import Stage

Json = dict[str, Any]
STORE = "metadataStores/default"  # in which Vertex Pipelines writes
PAGE = 1000  # the largest
EMPTY: Json = {"artifacts": [], "executions": [], "events": []}
SUBJECT = "Vertex ML Metadata"


def artifacts(stage: Stage, condition: str) -> list[Json]:
    """Return the artifacts that meet a condition of AIP-160; none where there is no store."""
    from google.api_core import exceptions

    request = {"parent": f"{stage.parent}/{STORE}", "filter": condition, "page_size": PAGE}
    with stage.asking(SUBJECT):
        client = _client(stage)
        try:
            return patiently(lambda: [_plain(each) for each in client.list_artifacts(request)])
        except exceptions.NotFound:  # no run has made the store yet
            return []


def around(stage: Stage, artifact: str, hops: int = 1, condition: str = "") -> Json | None:
    """Return what lies as many hops around an artifact at most, and the events between.

    A hop leads from an artifact to its executions, or from these to their artifacts that meet the
    condition (tfx/orchestration/portable/input_resolution/mlmd_resolver/metadata_resolver.py tells
    ML Metadata's). Returns None where there is more than Vertex answers.
    """
    from google.api_core import exceptions

    request = {"artifact": artifact, "max_hops": hops, "filter": condition}
    with stage.asking(SUBJECT):
        client = _client(stage)
        try:
            graph = patiently(lambda: client.query_artifact_lineage_subgraph(request))
        except exceptions.BadRequest as error:
            if _is_too_large(error):
                return None
            raise
    return EMPTY | _plain(graph)


def inputs_and_outputs(stage: Stage, execution: str) -> Json:
    """Return the artifacts of an execution, and the events between.

    Vertex answers 404 for an execution without artifacts:
    https://github.com/googleapis/python-aiplatform/pull/326
    """
    from google.api_core import exceptions

    request = {"execution": execution}
    with stage.asking(SUBJECT):
        client = _client(stage)
        try:
            graph = patiently(lambda: client.query_execution_inputs_and_outputs(request))
        except exceptions.NotFound:
            return EMPTY
    return EMPTY | _plain(graph)


def quoted(text: str) -> str:
    """Return a string of a filter."""
    return json.dumps(text, ensure_ascii=False)


def _client(stage: Stage) -> Any:
    from google.cloud.aiplatform import initializer, utils

    stage.vertex  # noqa: B018  reading it sets the library to the stage
    return initializer.global_config.create_client(utils.MetadataClientWithOverride)


def _is_too_large(error: Any) -> bool:
    """Say whether the answer has too many nodes.

    Over REST the library raises BadRequest for any 400, and only the body names the status.
    """
    from google.api_core import exceptions

    if isinstance(error, exceptions.FailedPrecondition):
        return True
    if error.response is None:
        return False
    body = error.response.json()
    return bool(body["error"].get("status") == "FAILED_PRECONDITION")


def _plain(message: Any) -> Json:
    fields: Json = type(message).to_dict(
        message, use_integers_for_enums=False, preserving_proto_field_name=False
    )
    return fields
