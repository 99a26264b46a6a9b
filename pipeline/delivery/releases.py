"""Puts a version of a model before its callers: a run's result, or a refreshed server."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pipeline.components import vertex_pusher
from pipeline.delivery import (
    deployment,
    history,
    integrity,
    leftovers,
    record_object,
    recorded_images,
    traffic,
)
from pipeline.delivery.record import (
    Delivery,
    Images,
    Model,
    Passed,
    Record,
    SupersededError,
    delivered,
    recorded_versions,
)
from pipeline.errors import CredentialsError, RunError
from pipeline.gcp import artifact_registry, model_registry
from pipeline.gcp.endpoints import Endpoint, Question, endpoint_of
from pipeline.gcp.stage import Stage
from pipeline.model.folder import ModelFolder
from pipeline.progress import Observer, shown
from pipeline.provenance import stage_bucket
from pipeline.serving.row_key import ROW_KEY, SMOKE

TRANSFORMED = "transform_features"  # the signature that every model has beside its default one


@dataclass(frozen=True)
class Candidate:
    """A version in the model's registry, pushed by a run of this commit.

    The digests are as the run noted them.
    """

    stage: Stage
    model: str
    commit: str
    images: Images
    run: str
    version: str
    modules: dict[str, str]
    model_digest: str | None = None
    data_digest: str | None = None


def release(
    candidate: Candidate,
    observer: Observer,
    still_wanted: Callable[[Record], None] = lambda _: None,
) -> Delivery:
    """Give all the traffic to the candidate, step by step, and record it.

    Raises RunError where a step does not hold, and DifferentError where the version is not the
    run's model, or SignatureError where the stage signs and its run's statement is not signed: all
    is as before. `still_wanted` gets the record and raises SupersededError where
    something newer has taken its place.
    """
    stage, model, version = candidate.stage, candidate.model, candidate.version
    old_model = record_object.read(stage).models.get(model)
    if old_model and old_model.current.registry_version == version:
        return old_model.current
    _refuse_taken_back(old_model, version, model)
    artifact_registry.keep(stage, candidate.images)
    endpoint = endpoint_of(stage, model)
    id_ = deployment.deployed(endpoint, version, candidate.images, observer)

    def check_record() -> None:
        record = record_object.read(stage)
        still_wanted(record)
        check_place(record, model, old_model)

    try:
        model_digest = integrity.checked(stage, model, version, {"the run": candidate.model_digest})
        stage_bucket.check(stage, model, candidate.run, model_digest)
        verified_candidate = replace(candidate, model_digest=model_digest)
        delivery = _introduced(verified_candidate, endpoint, id_, old_model, observer, check_record)
        record = _recorded(endpoint, delivery, old_model)
    except CredentialsError:  # the next delivery sweeps
        raise
    except RunError as error:
        leftovers.give_up(endpoint, id_, old_model, error)
        raise
    leftovers.clear(endpoint, record.models[model], observer)
    recorded_images.match_tags(stage)
    return delivery


def _refuse_taken_back(old_model: Model | None, version: str, model: str) -> None:
    if old_model and old_model.before and old_model.before.registry_version == version:
        raise RunError(
            f"version {version} of {model} was taken back: "
            "another commit, or a retraining on another day, brings a new one"
        )


def _introduced(
    candidate: Candidate,
    endpoint: Endpoint,
    new_id: str,
    old_model: Model | None,
    observer: Observer,
    still_wanted: Callable[[], None],
) -> Delivery:
    """Give all the traffic to the candidate; return its delivery, not recorded yet.

    `new_id` is its deployed model.
    """
    smoke_question = question(candidate.model)
    old_id = traffic.before(endpoint, new_id, old_model)
    steps = traffic.introduce(endpoint, new_id, old_id, smoke_question, observer, still_wanted)
    warm = endpoint.serving.keep_warm
    held_steps = steps if warm else ()
    return Delivery(
        commit=candidate.commit,
        images=candidate.images,
        modules=candidate.modules,
        run=candidate.run,
        registry_version=candidate.version,
        deployed_model=new_id if warm else None,
        delivered_at=datetime.now(UTC),
        passed=Passed(run_succeeded=True, blessed=True, smoke=True, traffic_steps=held_steps),
        model_digest=candidate.model_digest,
        data_digest=candidate.data_digest,
    )


def _recorded(endpoint: Endpoint, delivery: Delivery, old_model: Model | None) -> Record:
    """Write the delivery into the record that still has `old_model`."""
    stage, model = endpoint.stage, endpoint.model
    traffic_change = history.newest(stage, model)

    def change(record: Record) -> Record:
        model_now = record.models.get(model)
        is_written = model_now is not None and model_now.current == delivery
        if not is_written:
            check_place(record, model, old_model)
        return delivered(record, model, delivery, traffic_change)

    return record_object.update(stage, change)


def check_place(record: Record, model: str, old_model: Model | None) -> None:
    """Raise SupersededError where the record names other versions than `old_model` does.

    What machines they are on may have changed.
    """
    model_now = record.models.get(model)
    if recorded_versions(model_now) != recorded_versions(old_model):
        raise SupersededError(f"{model} was released or taken back by someone else meanwhile")


def refresh(stage: Stage, model: str, observer: Observer) -> Delivery | None:
    """Release the same model behind the recorded serving image, as a version of its own.

    Returns None where it has that image already. Vertex copies the model's files once more, so
    that they are checked before.
    """
    delivery = record_object.recorded_model(stage, model).current
    newest_images = record_object.read(stage).images
    if newest_images is None or newest_images.serving == delivery.images.serving:
        return None
    images = replace(delivery.images, serving=newest_images.serving)
    artifact_registry.check(stage, images)
    recorded_digest = {"the record": delivery.model_digest}
    digest = integrity.checked(stage, model, delivery.registry_version, recorded_digest)
    stage_bucket.check(stage, model, delivery.run, digest)
    with (
        stage.asking(f"the registered model {stage.names.registered_model(model)}"),
        shown(observer, f"{model} deploy"),
    ):
        registered_model = model_registry.registered(stage, model, delivery.registry_version)
        destination = deployment.destination(stage, model, images)
        version, _ = vertex_pusher.push(registered_model.uri, destination, digest)
    candidate = Candidate(
        stage,
        model,
        delivery.commit,
        images,
        delivery.run,
        version.version_id,
        delivery.modules,
        model_digest=digest,
        data_digest=delivery.data_digest,
    )
    return release(candidate, observer)


def question(model: str) -> Question:
    serving = ModelFolder.load(model).declaration.serving
    instance = {**serving.sample, ROW_KEY: SMOKE}
    return Question(instance, (serving.default_signature, TRANSFORMED))
