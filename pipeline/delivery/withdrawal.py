"""Takes versions of a model from its callers: rollback, undeploy and retire."""

import sys
from dataclasses import replace

from pipeline.delivery import deployment, history, integrity, record_object, recorded_images
from pipeline.delivery.record import Delivery, Record, delivered, retired
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp.endpoints import endpoint_of
from pipeline.gcp.stage import Stage
from pipeline.progress import Observer
from settings import model_names


def rollback(stage: Stage, model: str, observer: Observer) -> Delivery:
    """Give all the traffic to the version before, at once: it passed its steps when it came.

    Raises DifferentError where its files are others by now.
    """
    old_model = record_object.recorded_model(stage, model)
    if old_model.before is None:
        raise ConfigurationError(
            f"{model} has version {old_model.current.registry_version} in {stage.name} "
            "and none before to go back to"
        )
    delivery, endpoint = old_model.before, endpoint_of(stage, model)
    _refuse_different(stage, model, delivery)
    if stage.settings.serving.keep_warm:
        version = delivery.registry_version
        id_ = deployment.deployed(endpoint, version, delivery.images, observer)
        endpoint.split({id_: 100})
        delivery = replace(delivery, deployed_model=id_)
    change = history.note(endpoint, "rollback")
    record_object.update(stage, lambda record: delivered(record, model, delivery, change))
    return delivery


def _refuse_different(stage: Stage, model: str, delivery: Delivery) -> None:
    """Raise DifferentError where the version has another digest than it was delivered with.

    Nothing else may stand in the way back: what can't be verified is told.
    """
    recorded_digest = {"the record": delivery.model_digest}
    try:
        integrity.checked(stage, model, delivery.registry_version, recorded_digest)
    except integrity.DifferentError:
        raise
    except RunError as error:
        print(f"{model} goes back unverified: {error}", file=sys.stderr)


def undeploy(stage: Stage, model: str, keep: int, observer: Observer) -> list[str]:
    """Take all but the newest `keep` deployed models without traffic off their machines.

    Returns the ids of those that went.
    """
    endpoint = endpoint_of(stage, model)
    shares = endpoint.shares()
    idle_ids = [id_ for id_ in endpoint.versions() if id_ not in shares]
    surplus_ids = idle_ids[: max(0, len(idle_ids) - keep)]
    deployment.undeploy(endpoint, surplus_ids, observer)
    if surplus_ids:
        history.note(endpoint, "undeploy")
    record_object.update(stage, lambda record: _without(record, model, surplus_ids))
    return surplus_ids


def retire(stage: Stage, model: str, observer: Observer) -> list[str]:
    """Take the model from its callers: undeploy every version, and forget its deliveries.

    Returns the ids of those that went. The model's folder may be gone already. The versions stay
    in the model registry. Raises ConfigurationError for a model that was never delivered.
    """
    record_object.recorded_model(stage, model)
    endpoint = endpoint_of(stage, model)
    ids = endpoint.idlest_first()
    deployment.undeploy(endpoint, ids, observer)
    history.note(endpoint, "retire")
    record_object.update(stage, lambda record: retired(record, model))
    recorded_images.match_tags(stage)
    return ids


def known_model(model: str) -> None:
    if model not in model_names():
        raise ConfigurationError(
            f"there is no model {model!r}, allowed are {', '.join(model_names())}"
        )


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
    new_model = replace(old_model, current=current, before=without_ids(old_model.before))
    return replace(record, models={**record.models, model: new_model})
