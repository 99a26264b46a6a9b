"""Puts a version of a model before its callers, or takes one away: the release of a run's result, rollback, refresh and undeploy."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

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
from pipeline.gcp.clients import asking, vertex
from pipeline.gcp.endpoints import Endpoint, Question, endpoint_of
from pipeline.model.folder import ModelFolder
from pipeline.progress import Observer, shown
from settings import Settings, model_names

TRANSFORMED = "transform_features"  # the signature that every model has beside its default one


@dataclass(frozen=True)
class Candidate:
    """A version that a run of this commit has pushed to the model's registry."""

    settings: Settings
    model: str
    commit: str
    images: Images
    run: str
    version: str
    modules: dict[str, str]


def release(
    candidate: Candidate, observer: Observer, still_wanted: Callable[[], None] = lambda: None
) -> Delivery:
    """All the traffic to the candidate, step by step, and the record of it; RunError where a step does not hold, and all is as before.

    `still_wanted` raises SupersededError where something newer has taken its place.
    """
    settings, model, version = candidate.settings, candidate.model, candidate.version
    known = record_object.read(settings).models.get(model)
    if known and known.current.registry_version == version:
        return known.current
    if known and known.before and known.before.registry_version == version:
        raise RunError(
            f"version {version} of {model} was taken back: another commit, or a retraining on another day, brings a new one"
        )
    artifact_registry.keep(settings, candidate.images)
    endpoint = endpoint_of(settings, model)
    new = deployed(endpoint, model, version, candidate.images, observer)
    steps = traffic.introduce(
        endpoint, new, traffic.before(endpoint, new, known), question(model), observer, still_wanted
    )
    warm = settings.serving.keep_warm
    delivery = Delivery(
        commit=candidate.commit,
        images=candidate.images,
        modules=candidate.modules,
        run=candidate.run,
        registry_version=version,
        deployed_model=new if warm else None,
        delivered_at=datetime.now(UTC),
        passed=Passed(
            run_succeeded=True, blessed=True, smoke=True, traffic_steps=steps if warm else ()
        ),
    )

    def change(record: Record) -> Record:
        if record.models.get(model) != known and not (
            model in record.models and record.models[model].current == delivery
        ):
            raise SupersededError(f"{model} was released or taken back by someone else meanwhile")
        return delivered(record, model, delivery)

    record = record_object.update(settings, change)
    _clear(endpoint, record.models[model], observer)
    return delivery


def rollback(settings: Settings, model: str, observer: Observer) -> Delivery:
    """All the traffic to the version before, at once: it passed its steps when it came."""
    recorded = recorded_model(settings, model)
    if recorded.before is None:
        raise ConfigurationError(
            f"{model} has version {recorded.current.registry_version} in {settings.stage} and none before to go back to"
        )
    before, endpoint = recorded.before, endpoint_of(settings, model)
    if settings.serving.keep_warm:
        id_ = deployed(endpoint, model, before.registry_version, before.images, observer)
        endpoint.split({id_: 100})
        before = replace(before, deployed_model=id_)
    record_object.update(settings, lambda record: delivered(record, model, before))
    return before


def refresh(settings: Settings, model: str, observer: Observer) -> Delivery | None:
    """The same model behind the recorded serving image, as a version of its own; None where it has that image already."""
    current, images = recorded_model(settings, model).current, record_object.read(settings).images
    if images is None or images.serving == current.images.serving:
        return None
    chosen = Images(pipeline=current.images.pipeline, serving=images.serving)
    artifact_registry.check(settings, chosen)
    with (
        asking(f"the registered model {settings.names.registered_model(model)}", settings),
        shown(observer, f"{model} deploy"),
    ):
        trained = _registered(settings, model, current.registry_version)
        version, _ = vertex_pusher.push(trained.uri, _destination(settings, model, chosen))
    return release(
        Candidate(
            settings,
            model,
            current.commit,
            chosen,
            current.run,
            version.version_id,
            current.modules,
        ),
        observer,
    )


def undeploy(settings: Settings, model: str, keep: int, observer: Observer) -> list[str]:
    """Take all but the newest `keep` deployed models without traffic off their machines; returns the ids of those that went."""
    endpoint = endpoint_of(settings, model)
    shares = endpoint.shares()
    idle = [id_ for id_ in endpoint.deployed().values() if id_ not in shares]
    gone = idle[: max(0, len(idle) - keep)]
    for id_ in gone:
        with shown(observer, f"{model} undeploy {id_}"):
            endpoint.undeploy(id_)
    record_object.update(settings, lambda record: _without(record, model, gone))
    return gone


def recorded_model(settings: Settings, model: str) -> Model:
    known = record_object.read(settings).models
    if model not in known:
        allowed = ", ".join(sorted(known)) or "none yet"
        raise ConfigurationError(
            f"there is no model {model!r} delivered to {settings.stage}, allowed are {allowed}"
        )
    return known[model]


def known_model(model: str) -> None:
    if model not in model_names():
        raise ConfigurationError(
            f"there is no model {model!r}, allowed are {', '.join(model_names())}"
        )


def deployed(
    endpoint: Endpoint, model: str, version: str, images: Images, observer: Observer
) -> str:
    """The id of the deployed model of this version, which is deployed where it is not: a run taken from the cache deploys nothing."""
    if (id_ := endpoint.deployed().get(version)) is None:
        with (
            asking(f"version {version} of {model}", endpoint.settings),
            shown(observer, f"{model} deploy"),
        ):
            registered = _registered(endpoint.settings, model, version)
            vertex_pusher.deploy(
                registered, endpoint.resource, _destination(endpoint.settings, model, images)
            )
        id_ = endpoint.deployed().get(version)
    if id_ is None:
        raise RunError(f"{endpoint.what}: version {version} was deployed and is not there")
    return id_


def question(model: str) -> Question:
    serving = ModelFolder.load(model).declaration.serving
    return Question(serving.sample, (serving.default_signature, TRANSFORMED))


def _registered(settings: Settings, model: str, version: str) -> Any:
    aiplatform = vertex(settings.project_id, settings.region)
    return aiplatform.Model(settings.names.registered_model(model), version=version)


def _destination(settings: Settings, model: str, images: Images) -> spec.VertexDestination:
    return spec.destination(
        settings, model, artifact_registry.Image(settings, "serving").at(images.serving)
    )


def _clear(endpoint: Endpoint, recorded: Model, observer: Observer) -> None:
    """Off the machines goes what nobody would go back to; where nothing is kept warm, everything."""
    kept = {
        delivery.registry_version for delivery in (recorded.current, recorded.before) if delivery
    }
    shares = endpoint.shares()
    for version, id_ in sorted(
        endpoint.deployed().items(), key=lambda deployed: shares.get(deployed[1], 0)
    ):  # what has the traffic goes last
        if version not in kept or not endpoint.settings.serving.keep_warm:
            with shown(observer, f"undeploy version {version}"):
                endpoint.undeploy(id_)


def _without(record: Record, model: str, gone: list[str]) -> Record:
    """The record, the deployed models that are gone taken out of it."""
    if model not in record.models:
        return record

    def kept(delivery: Delivery | None) -> Delivery | None:
        return (
            replace(delivery, deployed_model=None)
            if delivery and delivery.deployed_model in gone
            else delivery
        )

    known = record.models[model]
    return replace(
        record,
        models={
            **record.models,
            model: Model(current=kept(known.current) or known.current, before=kept(known.before)),
        },
    )
