"""Takes what passed in one stage to the next: the same images and modules, copied and checked, trained on that stage's data."""

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
    """Deliver to `settings` what `source` has recorded of these models at this commit, which is checked out."""
    check_commit(commit)
    record = record_object.read(source)
    passed = {model: _passed(record, source, model, commit) for model in models}
    for images in {delivery.images for delivery in passed.values()}:
        with shown(observer, f"copy the images {images.pipeline[7:19]} and {images.serving[7:19]}"):
            artifact_registry.copy(source, settings, images)
    verdicts = deliver_models(
        settings, commit, {model: delivery.images for model, delivery in passed.items()}, observer
    )
    if passed and not any(verdict.state == "failed" for verdict in verdicts):
        newest = max(passed.values(), key=lambda delivery: delivery.delivered_at)
        close(settings, commit, newest.images)
    hand_on(settings, commit, verdicts, observer)
    return verdicts


def is_there(source: Settings, settings: Settings, commit: str, models: list[str]) -> bool:
    """Whether `settings` has all of this already, in the very images that `source` has: it is then trained anew and not promoted."""
    theirs, ours = record_object.read(source).models, record_object.read(settings)
    return all(
        is_recorded(ours, commit, [model])
        and model in theirs
        and theirs[model].current.images == ours.models[model].current.images
        for model in models
    )


def _passed(record: Record, source: Settings, model: str, commit: str) -> Delivery:
    """What the stage before serves of the model; ConfigurationError where that is of another commit, or has not passed all."""
    known = record.models.get(model)
    if known is None:
        raise ConfigurationError(
            f"{model} was never delivered to {source.stage}: nothing of it can be promoted"
        )
    delivery, steps = (
        known.current,
        source.serving.traffic_steps if source.serving.keep_warm else (),
    )
    if delivery.commit != commit:
        raise ConfigurationError(
            f"{source.stage} has {model} of {delivery.commit[:12]}, allowed is what --commit names, {commit[:12]}"
        )
    passed = delivery.passed
    missing = [name for name in ("run_succeeded", "blessed", "smoke") if not getattr(passed, name)]
    if missing or not set(steps) <= set(passed.traffic_steps):
        what = (
            ", ".join(missing) or f"traffic steps {sorted(set(steps) - set(passed.traffic_steps))}"
        )
        raise RunError(f"{model} has not passed in {source.stage}: {what}")
    here = modules.addresses(ModelFolder.load(model), source)
    if other := [file for file, uri in here.items() if delivery.modules.get(file) != uri]:
        raise RunError(
            f"{model}: {other[0]} of the checkout is not what {source.stage} delivered, {delivery.modules.get(other[0])}"
        )
    return delivery
