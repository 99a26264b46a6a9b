"""Puts versions of the model registry on an endpoint's machines."""

from pipeline import spec
from pipeline.components import vertex_pusher
from pipeline.delivery.record import Images
from pipeline.errors import RunError
from pipeline.gcp import artifact_registry, model_registry
from pipeline.gcp.endpoints import Endpoint
from pipeline.gcp.stage import Stage
from pipeline.progress import Observer, shown


def deployed(endpoint: Endpoint, version: str, images: Images, observer: Observer) -> str:
    """Return this version's deployed model by id; deploy it first if needed.

    A run taken from the cache deploys nothing.
    """
    stage, model = endpoint.stage, endpoint.model
    if (id_ := endpoint.deployed().get(version)) is None:
        with (
            stage.asking(f"version {version} of {model}"),
            shown(observer, f"{model} deploy"),
        ):
            resource = model_registry.registered(stage, model, version)
            vertex_pusher.deploy(resource, endpoint.resource, destination(stage, model, images))
        id_ = endpoint.deployed().get(version)
    if id_ is None:
        raise RunError(f"{endpoint.subject}: version {version} was deployed and is not there")
    return id_


def undeploy(endpoint: Endpoint, ids: list[str], observer: Observer) -> None:
    """Take deployed models off their machines, in this order."""
    for id_ in ids:
        with shown(observer, f"{endpoint.model} undeploy {id_}"):
            endpoint.undeploy(id_)


def destination(stage: Stage, model: str, images: Images) -> spec.VertexDestination:
    serving_image = artifact_registry.Image(stage, "serving").at(images.serving)
    return spec.destination(stage.settings, model, serving_image)
