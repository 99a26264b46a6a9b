"""Vertex's model registry: the versions of each model of ours."""

from pipeline.gcp.clients import patiently
from pipeline.gcp.protocols import RegisteredModel
from pipeline.gcp.stage import Stage

DIGEST_VARIABLE = "ESTEIRA_MODEL_DIGEST"  # as components/vertex_pusher.py sets it


def registered(stage: Stage, model: str, version: str) -> RegisteredModel:
    """The version; Google's own error says that there is none."""
    name = stage.names.registered_model(model)
    resource: RegisteredModel = stage.vertex.Model(name, version=version)
    return resource


def describe(stage: Stage, model: str, version: str, text: str) -> None:
    """Write the version's description, which Google's console shows beside it.

    The SDK's own update_version names the model in place of the version, whose field it is not.
    """
    with stage.asking(f"version {version} of {model}"):
        resource = registered(stage, model, version)
        fields = {"name": resource.versioned_resource_name, "version_description": text}
        mask = {"paths": ["version_description"]}
        patiently(lambda: resource.api_client.update_model(model=fields, update_mask=mask))


def digest(version: RegisteredModel) -> str | None:
    """The digest of the version's files as its upload said it; None for one from before digests."""
    for variable in version.container_spec.env:
        if variable.name == DIGEST_VARIABLE:
            return variable.value
    return None
