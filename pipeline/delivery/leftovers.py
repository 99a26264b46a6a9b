"""Takes versions off their machines that a delivery has left there for nothing."""

from pipeline.delivery import history, traffic
from pipeline.delivery.integrity import UnverifiedError
from pipeline.delivery.record import Model, recorded_versions
from pipeline.errors import RunError
from pipeline.gcp.endpoints import Endpoint, endpoint_of
from pipeline.gcp.stage import Stage
from pipeline.progress import Observer, shown


def give_up(endpoint: Endpoint, id_: str, old_model: Model | None, error: RunError) -> None:
    """Take off its machines a version that is not recorded, where it would be kept for nothing.

    That is where none is kept warm, and where it is not the run's model, which loses its traffic,
    too. Raises RunError, with what `error` says, where Google refuses it.
    """
    is_unverified = isinstance(error, UnverifiedError)
    if endpoint.serving.keep_warm and not is_unverified:
        return
    try:
        if is_unverified and id_ in endpoint.shares():
            traffic.go_back(endpoint, id_, traffic.before(endpoint, id_, old_model))
        elif id_ in endpoint.versions():
            endpoint.undeploy(id_)
            history.note(endpoint, "swept")
    except RunError as refusal:
        raise RunError(
            f"{error}; its machine is paid for until the next delivery of {endpoint.model}: "
            f"{refusal}"
        ) from refusal


def sweep(stage: Stage, model: str, observer: Observer) -> None:
    """Undeploy what a cancelled or timed-out delivery has left on the endpoint.

    Where versions are kept warm, the next release does it. Raises RunError where Google refuses
    it: nothing new gets a machine then.
    """
    if stage.settings.serving.keep_warm:
        return
    endpoint = endpoint_of(stage, model)
    ids = endpoint.idlest_first()
    for id_ in ids:
        with shown(observer, f"{model} undeploy {id_}, left there by an earlier delivery"):
            endpoint.undeploy(id_)
    if ids:
        history.note(endpoint, "swept")


def clear(endpoint: Endpoint, model: Model, observer: Observer) -> None:
    """Undeploy all versions that nobody would go back to, and that nobody went back to meanwhile.

    Where nothing is kept warm, that is everything.
    """
    shares, versions = endpoint.shares(), endpoint.versions()
    kept_ids: set[str] = set()
    if endpoint.serving.keep_warm:
        newest_ids = endpoint.deployed()
        recorded_ids = {newest_ids.get(version, "") for version in recorded_versions(model)}
        kept_ids = recorded_ids | set(shares)
    for id_ in endpoint.idlest_first():
        if id_ not in kept_ids:
            with shown(observer, f"undeploy version {versions.get(id_, id_)}"):
                endpoint.undeploy(id_)
    if shares and not endpoint.serving.keep_warm:
        history.note(endpoint, "undeploy")
