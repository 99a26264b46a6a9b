"""Which run made a version of the model registry, and which version a deployed model is of."""

from pipeline.delivery import history, record_object
from pipeline.gcp import metadata_store, model_registry
from pipeline.gcp.endpoints import endpoint_of
from pipeline.gcp.metadata_store import quoted
from pipeline.gcp.stage import Stage
from pipeline.lineage.graph import Artifact
from pipeline.lineage.task_graph import artifact_of, run_of
from pipeline.lineage.vertex_jobs import id_of

SAVED_MODEL = "/Format-Serving"  # of a Trainer's artifact


def run_of_version(stage: Stage, model: str, version: str) -> str | None:
    """The id of the run that made the version; None where nothing tells it any more.

    The record tells of the last two, the metadata of what was pushed by a run, and the registry of
    a version behind a newer server too, as long as it is there.
    """
    return (
        _recorded(stage, model, version)
        or _pushed(stage, model, version)
        or _registered(stage, model, version)
    )


def versions(stage: Stage, model: str) -> dict[str, str]:
    """Map the id of each deployed model, and of each that was, to its version."""
    by_id: dict[str, str] = {}
    for change in history.read(stage, model):
        by_id |= change.deployed
    return by_id | endpoint_of(stage, model).versions()


def _recorded(stage: Stage, model: str, version: str) -> str | None:
    record = record_object.read(stage)
    if model not in record.models:
        return None
    for delivery in record.models[model].deliveries:
        if delivery.registry_version == version:
            return id_of(delivery.run)
    return None


def _pushed(stage: Stage, model: str, version: str) -> str | None:
    registered_model = stage.names.registered_model(model)
    property_ = f"metadata.pushed_version.string_value={quoted(version)}"
    condition = f'schema_title="tfx.PushedModel" AND {property_}'
    for fields in metadata_store.artifacts(stage, condition):
        artifact = artifact_of(fields)
        destination = artifact.properties.get("pushed_destination", "")
        is_of_model = id_of(destination) == registered_model
        if is_of_model and artifact.properties.get("new") == 1:
            return run_of(artifact)
    return None


def _registered(stage: Stage, model: str, version: str) -> str | None:
    """The run below whose folder the version's files lie."""
    from google.api_core import exceptions

    with stage.asking(f"version {version} of {model}"):
        try:
            uri = model_registry.registered(stage, model, version).uri
        except exceptions.NotFound:
            return None
    artifact = Artifact(id="", type="Model", uri=uri.removesuffix(SAVED_MODEL))
    return run_of(artifact)
