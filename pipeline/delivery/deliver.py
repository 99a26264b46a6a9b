"""Delivers the models of a pushed commit to its stage."""

from pipeline.delivery import record_object
from pipeline.delivery.rollout import (
    Verdict,
    admit,
    check_commit,
    close,
    deliver_models,
    hand_on,
    is_recorded,
)
from pipeline.errors import ConfigurationError
from pipeline.gcp import artifact_registry
from pipeline.progress import Observer
from settings import Settings


def deliver(
    settings: Settings, commit: str, models: list[str], tag: str | None, observer: Observer
) -> list[Verdict]:
    """Deliver these models of the commit, the one checked out.

    They run in the images of `tag`, or without a tag in those that the record names.
    """
    check_commit(commit)
    record = record_object.read(settings)
    admit(record, commit, settings, models)
    images = artifact_registry.by_tag(settings, tag, commit) if tag is not None else record.images
    if tag is None and is_recorded(record, commit, models):
        # a retraining on newer data, each in the images that made it
        model_images = {model: record.models[model].current.images for model in models}
    elif images is None:
        raise ConfigurationError(
            f"{record_object.uri(settings)} names no images yet: "
            "the first delivery builds them, push with --again"
        )
    else:
        model_images = dict.fromkeys(models, images)
    verdicts = deliver_models(settings, commit, model_images, observer)
    last_push = record.pushed
    # A retraining is not handed on: each stage retrains by itself.
    if last_push and last_push.commit == commit:
        covers_recipe = tag is not None or last_push.recipe == "modules"
        whole = set(last_push.models) <= set(models) and covers_recipe
        any_failed = any(verdict.state == "failed" for verdict in verdicts)
        if images and whole and not any_failed:
            close(settings, commit, images)
        hand_on(settings, commit, verdicts, observer)
    return verdicts
