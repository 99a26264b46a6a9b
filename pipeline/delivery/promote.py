"""Takes a stage's passed models to the next.

The images and modules are the same, copied and checked, and train on the next stage's data.
"""

from pipeline.delivery import record_object
from pipeline.delivery.record import Delivery, Record
from pipeline.delivery.rollout import (
    Verdict,
    check_commit,
    close,
    deliver_models,
    hand_on,
    is_recorded,
)
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import artifact_registry, modules
from pipeline.model.folder import ModelFolder
from pipeline.progress import Observer, shown
from settings import Settings


def promote(
    source: Settings, settings: Settings, commit: str, models: list[str], observer: Observer
) -> list[Verdict]:
    """Deliver these models to `settings`, as `source` has recorded them at this commit.

    The commit is the one checked out.
    """
    check_commit(commit)
    record = record_object.read(source)
    deliveries = {model: _passed(record, source, model, commit) for model in models}
    model_images = {model: delivery.images for model, delivery in deliveries.items()}
    for images in set(model_images.values()):
        with shown(observer, f"copy the images {images.pipeline[7:19]} and {images.serving[7:19]}"):
            artifact_registry.copy(source, settings, images)
    verdicts = deliver_models(settings, commit, model_images, observer)
    if deliveries and not any(verdict.state == "failed" for verdict in verdicts):
        newest_delivery = max(deliveries.values(), key=lambda delivery: delivery.delivered_at)
        close(settings, commit, newest_delivery.images)
    hand_on(settings, commit, verdicts, observer)
    return verdicts


def is_there(source: Settings, settings: Settings, commit: str, models: list[str]) -> bool:
    """Say whether `settings` has all of this already, in the images of `source`.

    The images must be the very same. It is then retrained and not promoted.
    """
    source_models = record_object.read(source).models
    record = record_object.read(settings)
    return all(
        is_recorded(record, commit, [model])
        and model in source_models
        and source_models[model].current.images == record.models[model].current.images
        for model in models
    )


def _passed(record: Record, source: Settings, model: str, commit: str) -> Delivery:
    """Return the model's current delivery in the stage before.

    Raises ConfigurationError where that is of another commit, and RunError where it has not
    passed all or its modules are not those of the checkout.
    """
    recorded_model = record.models.get(model)
    if recorded_model is None:
        raise ConfigurationError(
            f"{model} was never delivered to {source.stage}: nothing of it can be promoted"
        )
    delivery = recorded_model.current
    steps = source.serving.traffic_steps if source.serving.keep_warm else ()
    if delivery.commit != commit:
        raise ConfigurationError(
            f"{source.stage} has {model} of {delivery.commit[:12]}, "
            f"allowed is what --commit names, {commit[:12]}"
        )
    checks = delivery.passed
    missing_checks = [
        name for name in ("run_succeeded", "blessed", "smoke") if not getattr(checks, name)
    ]
    missing_steps = sorted(set(steps) - set(checks.traffic_steps))
    if missing_checks or missing_steps:
        gap = ", ".join(missing_checks) or f"traffic steps {missing_steps}"
        raise RunError(f"{model} has not passed in {source.stage}: {gap}")
    uris = modules.addresses(ModelFolder.load(model), source)
    if changed_files := [file for file, uri in uris.items() if delivery.modules.get(file) != uri]:
        raise RunError(
            f"{model}: {changed_files[0]} of the checkout is not what {source.stage} delivered, "
            f"{delivery.modules.get(changed_files[0])}"
        )
    return delivery
