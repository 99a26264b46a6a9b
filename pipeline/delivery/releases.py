"""Puts a version of a model before its callers, or takes one away.

These are the release of a run's result, rollback, refresh and undeploy.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pipeline import spec
from pipeline.components import vertex_pusher
from pipeline.delivery import record_object, traffic
from pipeline.delivery.record import (
    Delivery,
    Images,
    Model,
    Passed,
    Record,
    SupersededError,
    delivered,
)
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import artifact_registry
from pipeline.gcp.endpoints import Endpoint, Question, endpoint_of
from pipeline.gcp.protocols import RegisteredModel
from pipeline.gcp.stage import Stage
from pipeline.model.folder import ModelFolder
from pipeline.progress import Observer, shown
from settings import model_names

TRANSFORMED = "transform_features"  # the signature that every model has beside its default one


@dataclass(frozen=True)
class Candidate:
    """A version in the model's registry, pushed by a run of this commit."""

    stage: Stage
    model: str
    commit: str
    images: Images
    run: str
    version: str
    modules: dict[str, str]


def release(
    candidate: Candidate, observer: Observer, still_wanted: Callable[[], None] = lambda: None
) -> Delivery:
    """Give all the traffic to the candidate, step by step, and record it.

    Raises RunError where a step does not hold, and all is as before. `still_wanted` raises
    SupersededError where something newer has taken its place.
    """
    stage, model, version = candidate.stage, candidate.model, candidate.version
    old_model = record_object.read(stage).models.get(model)
    if old_model and old_model.current.registry_version == version:
        return old_model.current
    if old_model and old_model.before and old_model.before.registry_version == version:
        raise RunError(
            f"version {version} of {model} was taken back: "
            "another commit, or a retraining on another day, brings a new one"
        )
    artifact_registry.keep(stage, candidate.images)
    endpoint = endpoint_of(stage, model)
    delivery = _introduced(candidate, endpoint, old_model, observer, still_wanted)

    def change(record: Record) -> Record:
        model_now = record.models.get(model)
        is_written = model_now is not None and model_now.current == delivery
        if model_now != old_model and not is_written:
            raise SupersededError(f"{model} was released or taken back by someone else meanwhile")
        return delivered(record, model, delivery)

    record = record_object.update(stage, change)
    _clear(endpoint, record.models[model], observer)
    return delivery


def _introduced(
    candidate: Candidate,
    endpoint: Endpoint,
    old_model: Model | None,
    observer: Observer,
    still_wanted: Callable[[], None],
) -> Delivery:
    """Give all the traffic to the candidate; return its delivery, not recorded yet."""
    model, version = candidate.model, candidate.version
    new_id = deployed(endpoint, model, version, candidate.images, observer)
    old_id = traffic.before(endpoint, new_id, old_model)
    steps = traffic.introduce(endpoint, new_id, old_id, question(model), observer, still_wanted)
    warm = endpoint.serving.keep_warm
    held_steps = steps if warm else ()
    return Delivery(
        commit=candidate.commit,
        images=candidate.images,
        modules=candidate.modules,
        run=candidate.run,
        registry_version=version,
        deployed_model=new_id if warm else None,
        delivered_at=datetime.now(UTC),
        passed=Passed(run_succeeded=True, blessed=True, smoke=True, traffic_steps=held_steps),
    )


def rollback(stage: Stage, model: str, observer: Observer) -> Delivery:
    """Give all the traffic to the version before, at once: it passed its steps when it came."""
    old_model = recorded_model(stage, model)
    if old_model.before is None:
        raise ConfigurationError(
            f"{model} has version {old_model.current.registry_version} in {stage.name} "
            "and none before to go back to"
        )
    delivery, endpoint = old_model.before, endpoint_of(stage, model)
    if stage.settings.serving.keep_warm:
        id_ = deployed(endpoint, model, delivery.registry_version, delivery.images, observer)
        endpoint.split({id_: 100})
        delivery = replace(delivery, deployed_model=id_)
    record_object.update(stage, lambda record: delivered(record, model, delivery))
    return delivery


def refresh(stage: Stage, model: str, observer: Observer) -> Delivery | None:
    """Release the same model behind the recorded serving image, as a version of its own.

    Returns None where it has that image already.
    """
    delivery = recorded_model(stage, model).current
    recorded_images = record_object.read(stage).images
    if recorded_images is None or recorded_images.serving == delivery.images.serving:
        return None
    images = Images(pipeline=delivery.images.pipeline, serving=recorded_images.serving)
    artifact_registry.check(stage, images)
    with (
        stage.asking(f"the registered model {stage.names.registered_model(model)}"),
        shown(observer, f"{model} deploy"),
    ):
        registered_model = _registered(stage, model, delivery.registry_version)
        destination = _destination(stage, model, images)
        version, _ = vertex_pusher.push(registered_model.uri, destination)
    candidate = Candidate(
        stage,
        model,
        delivery.commit,
        images,
        delivery.run,
        version.version_id,
        delivery.modules,
    )
    return release(candidate, observer)


def undeploy(stage: Stage, model: str, keep: int, observer: Observer) -> list[str]:
    """Take all but the newest `keep` deployed models without traffic off their machines.

    Returns the ids of those that went.
    """
    endpoint = endpoint_of(stage, model)
    shares = endpoint.shares()
    idle_ids = [id_ for id_ in endpoint.deployed().values() if id_ not in shares]
    surplus_ids = idle_ids[: max(0, len(idle_ids) - keep)]
    for id_ in surplus_ids:
        with shown(observer, f"{model} undeploy {id_}"):
            endpoint.undeploy(id_)
    record_object.update(stage, lambda record: _without(record, model, surplus_ids))
    return surplus_ids


def recorded_model(stage: Stage, model: str) -> Model:
    models = record_object.read(stage).models
    if model not in models:
        allowed = ", ".join(sorted(models)) or "none yet"
        raise ConfigurationError(
            f"there is no model {model!r} delivered to {stage.name}, allowed are {allowed}"
        )
    return models[model]


def known_model(model: str) -> None:
    if model not in model_names():
        raise ConfigurationError(
            f"there is no model {model!r}, allowed are {', '.join(model_names())}"
        )


def deployed(
    endpoint: Endpoint, model: str, version: str, images: Images, observer: Observer
) -> str:
    """Return this version's deployed model by id; deploy it first if needed.

    A run taken from the cache deploys nothing.
    """
    if (id_ := endpoint.deployed().get(version)) is None:
        with (
            endpoint.stage.asking(f"version {version} of {model}"),
            shown(observer, f"{model} deploy"),
        ):
            registered_model = _registered(endpoint.stage, model, version)
            destination = _destination(endpoint.stage, model, images)
            vertex_pusher.deploy(registered_model, endpoint.resource, destination)
        id_ = endpoint.deployed().get(version)
    if id_ is None:
        raise RunError(f"{endpoint.subject}: version {version} was deployed and is not there")
    return id_


def question(model: str) -> Question:
    serving = ModelFolder.load(model).declaration.serving
    return Question(serving.sample, (serving.default_signature, TRANSFORMED))


def _registered(stage: Stage, model: str, version: str) -> RegisteredModel:
    name = stage.names.registered_model(model)
    registered_model: RegisteredModel = stage.vertex.Model(name, version=version)
    return registered_model


def _destination(stage: Stage, model: str, images: Images) -> spec.VertexDestination:
    return spec.destination(
        stage.settings, model, artifact_registry.Image(stage, "serving").at(images.serving)
    )


def _clear(endpoint: Endpoint, model: Model, observer: Observer) -> None:
    """Undeploy all versions nobody would go back to.

    Where nothing is kept warm, that is everything.
    """
    deliveries = (model.current, model.before)
    recorded_versions = {delivery.registry_version for delivery in deliveries if delivery}
    shares = endpoint.shares()
    # what has the traffic goes last
    by_share = sorted(endpoint.deployed().items(), key=lambda item: shares.get(item[1], 0))
    for version, id_ in by_share:
        if version not in recorded_versions or not endpoint.serving.keep_warm:
            with shown(observer, f"undeploy version {version}"):
                endpoint.undeploy(id_)


def _without(record: Record, model: str, ids: list[str]) -> Record:
    """Return the record without these deployed models."""
    if model not in record.models:
        return record

    def without_ids(delivery: Delivery | None) -> Delivery | None:
        if delivery and delivery.deployed_model in ids:
            return replace(delivery, deployed_model=None)
        return delivery

    old_model = record.models[model]
    current = without_ids(old_model.current) or old_model.current
    new_model = Model(current=current, before=without_ids(old_model.before))
    return replace(record, models={**record.models, model: new_model})
