"""Pushes a model in the cloud, as a new version of its registry entry.

The version is deployed without traffic on the endpoint that Terraform made.
"""

from dataclasses import asdict
from typing import Any

from tfx.components.pusher import executor
from tfx.dsl.components.base import executor_spec
from tfx.types import BaseChannel, artifact_utils
from tfx.utils import json_utils

from pipeline.components import model_manifest
from pipeline.components import push as pushing
from pipeline.components.cache_key import source_sha256
from pipeline.errors import RunError
from pipeline.gcp.clients import vertex
from pipeline.gcp.protocols import Endpoint, RegisteredModel
from pipeline.spec import VertexDestination

PORT = 8080
DIGEST_VARIABLE = "ESTEIRA_MODEL_DIGEST"  # as pipeline/serving/server.py reads it


class Executor(executor.Executor):
    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        artifact = artifact_utils.get_single_instance(output_dict["pushed_model"])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(artifact)
            return
        config = json_utils.loads(exec_properties["custom_config"])
        destination = VertexDestination(**config["destination"])
        model_uri = self.GetModelPath(input_dict)
        digest = pushing.blessed_digest(input_dict)
        if baseline := pushing.baseline_file(input_dict):
            model_manifest.complete(model_uri, baseline)
        version, new = push(model_uri, destination, digest)
        self._MarkPushed(
            artifact, pushed_destination=version.resource_name, pushed_version=version.version_id
        )
        artifact.set_int_custom_property("new", int(new))


class Pusher(pushing.Pusher):
    """Pushes a model if both blessings allow it, and first puts its baseline into its folder.

    Fails rather than create an endpoint. A model that was pushed before is known by its URI and
    server.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, destination: VertexDestination, **channels: BaseChannel) -> None:
        config = {
            "destination": asdict(destination),
            "source_sha256": source_sha256(
                "components/model_manifest.py", "components/push.py", "components/vertex_pusher.py"
            ),
        }
        super().__init__(config, **channels)


def push(
    model_uri: str, destination: VertexDestination, digest: str | None = None
) -> tuple[RegisteredModel, bool]:
    """The registered version and whether this call made it.

    The version carries the model's digest for its server, which loads no other files.
    """
    from google.api_core import exceptions

    aiplatform = vertex(destination.project, destination.region)
    try:
        endpoint = aiplatform.Endpoint(destination.endpoint)
        deployed_ids = {(m.model, m.model_version_id) for m in endpoint.list_models()}
    except exceptions.NotFound as error:
        raise RunError(
            f"there is no endpoint {destination.endpoint} in {destination.project}: "
            "deploy the serving stack first"
        ) from error
    versions = _versions(aiplatform, destination.registered_model)
    version = _version(versions, model_uri, destination.serving_image)
    new = version is None
    if version is None:
        version = _upload(aiplatform, versions, model_uri, destination, digest)
    if (version.resource_name, version.version_id) not in deployed_ids:
        deploy(version, endpoint, destination)
    return version, new


def deploy(version: RegisteredModel, endpoint: Endpoint, destination: VertexDestination) -> None:
    """Put a registered version on the endpoint's machines, without traffic."""
    version.deploy(
        endpoint,
        traffic_percentage=0,  # Vertex gives the first model on an endpoint all of it all the same
        machine_type=destination.machine_type,
        min_replica_count=destination.min_replicas,
        max_replica_count=destination.max_replicas,
        service_account=destination.service_account,
    )


def _version(
    versions: list[RegisteredModel], model_uri: str, serving_image: str
) -> RegisteredModel | None:
    """The version with this model and server.

    A version holds its server: the same model behind another one is another version.
    """
    for version in versions:
        if version.uri == model_uri and version.container_spec.image_uri == serving_image:
            return version
    return None


def _upload(
    aiplatform: Any,
    versions: list[RegisteredModel],
    model_uri: str,
    destination: VertexDestination,
    digest: str | None,
) -> RegisteredModel:
    """Register a version: the first one makes the registry entry, the next ones join it."""
    model_id: str | None = destination.registered_model
    parent_model = None
    if versions:
        model_id = None
        parent_model = versions[0].resource_name
    version: RegisteredModel = aiplatform.Model.upload(
        model_id=model_id,
        parent_model=parent_model,
        display_name=destination.registered_model,
        artifact_uri=model_uri,
        serving_container_image_uri=destination.serving_image,
        serving_container_predict_route="/predict",
        serving_container_health_route="/health",
        serving_container_ports=[PORT],
        # A label holds 63 characters, one less than a digest has.
        serving_container_environment_variables={DIGEST_VARIABLE: digest} if digest else None,
    )
    return version


def _versions(aiplatform: Any, registered_model: str) -> list[RegisteredModel]:
    """All versions of the registry entry, or none before it exists."""
    from google.api_core import exceptions

    try:
        version_infos = aiplatform.models.ModelRegistry(registered_model).list_versions()
    except exceptions.NotFound:
        return []
    return [
        aiplatform.Model(info.model_resource_name, version=info.version_id)
        for info in version_infos
    ]
