"""Delivers the models of a pushed commit to its stage."""

from pipeline.delivery import record_object
from pipeline.delivery.record import Images, Record
from pipeline.delivery.rollout import Rollout, Verdict, admit, is_recorded
from pipeline.errors import ConfigurationError
from pipeline.gcp import artifact_registry
from pipeline.gcp.stage import Stage


def deliver(rollout: Rollout, models: list[str], tag: str | None) -> list[Verdict]:
    """Deliver these models of the commit.

    They run in the images of `tag`, or without a tag in those that the record names.
    """
    rollout.check_commit()
    stage, commit = rollout.stage, rollout.commit
    record = record_object.read(stage)
    admit(record, commit, stage, models)
    images = artifact_registry.by_tag(stage, tag, commit) if tag is not None else record.images
    if tag is None and is_recorded(record, commit, models):
        # a retraining on newer data, each in the images that made it
        model_images = {model: record.models[model].current.images for model in models}
    else:
        model_images = dict.fromkeys(models, _required(images, stage))
    verdicts = rollout.deliver(model_images)
    # A retraining is not handed on: each stage retrains by itself.
    if record.pushed and record.pushed.commit == commit:
        if images and _is_whole(record, models, tag, verdicts):
            rollout.close(images)
        rollout.hand_on(verdicts)
    return verdicts


def _required(images: Images | None, stage: Stage) -> Images:
    if images is None:
        raise ConfigurationError(
            f"{record_object.uri(stage)} names no images yet: "
            "the first delivery builds them, push with --again"
        )
    return images


def _is_whole(record: Record, models: list[str], tag: str | None, verdicts: list[Verdict]) -> bool:
    """Say whether all that the last push asked for was done, and nothing failed."""
    assert record.pushed is not None
    has_images = tag is not None or record.pushed.recipe == "modules"
    has_models = set(record.pushed.models) <= set(models)
    any_failed = any(verdict.state == "failed" for verdict in verdicts)
    return has_images and has_models and not any_failed
