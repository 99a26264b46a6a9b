"""Delivers a commit's models to the stage that it was pushed to."""

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
    """Deliver these models of the commit, which is checked out: in the images of `tag`, or without one in those that the record names."""
    check_commit(commit)
    record = record_object.read(settings)
    admit(record, commit, settings, models)
    images = artifact_registry.by_tag(settings, tag, commit) if tag is not None else record.images
    if tag is None and is_recorded(
        record, commit, models
    ):  # anew on newer data, each in the images that made it
        chosen = {model: record.models[model].current.images for model in models}
    elif images is None:
        raise ConfigurationError(
            f"{record_object.uri(settings)} names no images yet: the first delivery builds them, push with --again"
        )
    else:
        chosen = dict.fromkeys(models, images)
    verdicts = deliver_models(settings, commit, chosen, observer)
    pushed = record.pushed
    if (
        pushed and pushed.commit == commit
    ):  # else it is a retraining, which each stage has of its own
        whole = set(pushed.models) <= set(models) and (
            tag is not None or pushed.recipe == "modules"
        )
        if images and whole and not any(verdict.state == "failed" for verdict in verdicts):
            close(settings, commit, images)
        hand_on(settings, commit, verdicts, observer)
    return verdicts
