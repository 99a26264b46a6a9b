"""Takes a stage's passed models to the next.

The images and modules are the same, copied and checked, and train on the next stage's data.
"""

from pipeline.delivery import record_object
from pipeline.delivery.record import Delivery, Record
from pipeline.delivery.rollout import Rollout, Verdict, is_recorded
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import artifact_registry, modules
from pipeline.gcp.stage import Stage
from pipeline.model.folder import ModelFolder
from pipeline.progress import shown
from pipeline.provenance import stage_bucket

CHECKS = ("run_succeeded", "blessed", "smoke")


def promote(rollout: Rollout, source: Stage, models: list[str]) -> list[Verdict]:
    """Deliver these models as `source` has recorded them at the commit."""
    rollout.check_commit()
    record = record_object.read(source)
    deliveries = {model: _passed(record, source, model, rollout.commit) for model in models}
    model_images = {model: delivery.images for model, delivery in deliveries.items()}
    for images in set(model_images.values()):
        step = f"copy the images {images.pipeline[7:19]} and {images.serving[7:19]}"
        with shown(rollout.observer, step):
            artifact_registry.copy(source, rollout.stage, images)
    verdicts = rollout.deliver(model_images)
    if deliveries and not any(verdict.state == "failed" for verdict in verdicts):
        newest_delivery = max(deliveries.values(), key=lambda delivery: delivery.delivered_at)
        rollout.close(newest_delivery.images)
    rollout.hand_on(verdicts)
    return verdicts


def has_all(rollout: Rollout, source: Stage, models: list[str]) -> bool:
    """Say whether the stage has all of this already, in the images of `source`.

    The images must be the very same. It is then retrained and not promoted.
    """
    source_models = record_object.read(source).models
    record = record_object.read(rollout.stage)
    for model in models:
        if model not in source_models or not is_recorded(record, rollout.commit, [model]):
            return False
        if source_models[model].current.images != record.models[model].current.images:
            return False
    return True


def _passed(record: Record, source: Stage, model: str, commit: str) -> Delivery:
    """Return the model's current delivery in the stage before.

    Raises ConfigurationError where that is of another commit, and RunError where it has not
    passed all or its modules are not those of the checkout.
    """
    recorded_model = record.models.get(model)
    if recorded_model is None:
        raise ConfigurationError(
            f"{model} was never delivered to {source.name}: nothing of it can be promoted"
        )
    delivery = recorded_model.current
    if delivery.commit != commit:
        raise ConfigurationError(
            f"{source.name} has {model} of {delivery.commit[:12]}, "
            f"allowed is what --commit names, {commit[:12]}"
        )
    if gap := _gap(delivery, source):
        raise RunError(f"{model} has not passed in {source.name}: {gap}")
    stage_bucket.check(source, model, delivery.run, delivery.model_digest)
    for file, uri in modules.addresses(ModelFolder.load(model), source).items():
        delivered_uri = delivery.modules.get(file)
        if delivered_uri != uri:
            raise RunError(
                f"{model}: {file} of the checkout is not what {source.name} delivered, "
                f"{delivered_uri}"
            )
    return delivery


def _gap(delivery: Delivery, source: Stage) -> str:
    """Name what the delivery has not passed of what `source` asks for."""
    missing_checks = [name for name in CHECKS if not getattr(delivery.passed, name)]
    if missing_checks:
        return ", ".join(missing_checks)
    serving = source.settings.serving
    steps = serving.traffic_steps if serving.keep_warm else ()
    missing_steps = sorted(set(steps) - set(delivery.passed.traffic_steps))
    return f"traffic steps {missing_steps}" if missing_steps else ""
