"""Vertex's model registry: the versions of each model of ours."""

from pipeline.gcp.protocols import RegisteredModel
from pipeline.gcp.stage import Stage


def registered(stage: Stage, model: str, version: str) -> RegisteredModel:
    """The version; Google's own error says that there is none."""
    name = stage.names.registered_model(model)
    resource: RegisteredModel = stage.vertex.Model(name, version=version)
    return resource
