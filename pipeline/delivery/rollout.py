"""Holds the common steps of deliver and promote.

It publishes, runs, releases and records a commit's models, and asks the next stage.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from pipeline import spec
from pipeline.delivery import git, record_object
from pipeline.delivery.record import Images, Record, SupersededError
from pipeline.delivery.release import Candidate, release
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import artifact_registry, cloud_build, event_log, pipeline_jobs, pubsub
from pipeline.gcp.modules import addresses, upload
from pipeline.gcp.pipeline_jobs import Outcome, Submission
from pipeline.job import compiler
from pipeline.model.folder import ModelFolder
from pipeline.progress import Observer, shown
from settings import REPOSITORY, Settings, model_names
from settings.stages import environments


@dataclass(frozen=True)
class Verdict:
    model: str
    state: Literal["delivered", "not blessed", "failed", "superseded"]
    reason: str


def asked_models(models: str) -> list[str]:
    """Return the models of _MODELS: `all`, `none`, or names joined by commas.

    Raises ConfigurationError for a name that is not in the checkout.
    """
    all_names = model_names()
    keywords = {cloud_build.ALL_MODELS: all_names, cloud_build.NO_MODELS: []}
    names = set(keywords.get(models, models.split(",")))
    if unknown_names := sorted(names - set(all_names)):
        allowed = f"{cloud_build.ALL_MODELS}, {cloud_build.NO_MODELS}, or of {', '.join(all_names)}"
        raise ConfigurationError(f"--models names {unknown_names[0]!r}, allowed are {allowed}")
    return sorted(names)


def check_commit(commit: str) -> None:
    head = git.commit(REPOSITORY, "HEAD")
    if head != commit:
        raise ConfigurationError(
            f"--commit is {commit}, allowed is the commit that is checked out, {head}"
        )


def admit(record: Record, commit: str, settings: Settings, models: list[str]) -> None:
    """Let the last push go on, and recorded models be retrained.

    So the older of two builds at once can't have the last word. Raises ConfigurationError where
    nothing was pushed, and SupersededError where another commit was.
    """
    if is_recorded(record, commit, models) or (record.pushed and record.pushed.commit == commit):
        return
    if record.pushed is None:
        raise ConfigurationError(
            f"--commit is {commit[:12]}, which was not pushed: "
            f"`python3 -m pipeline push --env {settings.stage}`"
        )
    raise SupersededError(
        f"{record.pushed.commit[:12]} was pushed after {commit[:12]} and is delivered in its place"
    )


def is_recorded(record: Record, commit: str, models: list[str]) -> bool:
    """Say whether all these models are recorded as of this commit."""
    commits = {name: model.current.commit for name, model in record.models.items()}
    return bool(models) and all(commits.get(model) == commit for model in models)


def deliver_models(
    settings: Settings, commit: str, images: dict[str, Images], observer: Observer
) -> list[Verdict]:
    """Submit all models, then release each as soon as its run has ended.

    One that fails keeps none of the others from going on.
    """
    for pair in set(images.values()):
        artifact_registry.check(settings, pair)
    runs: dict[str, Any] = {}
    verdicts: list[Verdict] = []
    today = datetime.now(UTC).date()
    for model, pair in images.items():
        with _failures(settings, model, verdicts):
            runs[model] = submit(Submission(settings, model, commit, pair, today), observer)
    for model, outcome in pipeline_jobs.wait(settings, runs, observer):
        with _failures(settings, model, verdicts):
            verdicts.append(_judged(settings, model, commit, images[model], outcome, observer))
    return sorted(verdicts, key=lambda verdict: verdict.model)


def submit(wanted: Submission, observer: Observer) -> Any:
    """Publish the model's modules, compile its job and have Vertex run it."""
    settings, folder = wanted.settings, ModelFolder.load(wanted.model)
    with shown(observer, f"{wanted.model} publish"):
        upload(folder, settings)
    with shown(observer, f"{wanted.model} compile"):
        image = artifact_registry.Image(settings, "pipeline").at(wanted.images.pipeline)
        serving_image = artifact_registry.Image(settings, "serving").at(wanted.images.serving)
        pipeline_spec = spec.cloud(
            folder, settings, image=image, serving_image=serving_image, end=wanted.end
        )
        compiled_job = compiler.compiled(pipeline_spec, image)
        job = pipeline_jobs.checked(compiled_job, settings, wanted.images)
    with shown(observer, f"{wanted.model} submit"):
        recorded_model = record_object.read(settings).models.get(wanted.model)
        deliveries = (recorded_model.current, recorded_model.before) if recorded_model else ()
        recorded_runs = {delivery.run for delivery in deliveries if delivery}
        return pipeline_jobs.submit(wanted, job, recorded_runs)


def close(settings: Settings, commit: str, images: Images) -> None:
    """Record a wholly delivered commit as the base of the next route.

    A record with a later push stays as it is.
    """
    artifact_registry.keep(settings, images)

    def change(record: Record) -> Record:
        superseded = record.pushed is not None and record.pushed.commit != commit
        return record if superseded else replace(record, commit=commit, images=images)

    record_object.update(settings, change)


def hand_on(settings: Settings, commit: str, verdicts: list[Verdict], observer: Observer) -> None:
    """Ask the next stages to promote the delivered models.

    They are the stages that promote from this one.
    """
    models = ",".join(verdict.model for verdict in verdicts if verdict.state == "delivered")
    if not models:
        return
    followers = [
        later for later in environments().values() if later.promotes_from == settings.stage
    ]
    for follower in followers:
        with shown(observer, f"ask {follower.stage} to promote {models}"):
            pubsub.ask_to_promote(follower, commit, models)


def _judged(
    settings: Settings,
    model: str,
    commit: str,
    images: Images,
    outcome: Outcome,
    observer: Observer,
) -> Verdict:
    if outcome.error is not None:
        raise RunError(outcome.error)
    if outcome.version is None:
        event_log.tell(settings, "not_blessed", model, commit=commit, run=outcome.run)
        return Verdict(
            model,
            "not blessed",
            f"the candidate was refused, what served before still does ({outcome.run})",
        )
    retraining = is_recorded(record_object.read(settings), commit, [model])
    modules = addresses(ModelFolder.load(model), settings)
    candidate = Candidate(settings, model, commit, images, outcome.run, outcome.version, modules)
    delivery = release(
        candidate, observer, lambda: _still_wanted(settings, model, commit, retraining)
    )
    return Verdict(model, "delivered", f"version {delivery.registry_version} serves")


def _still_wanted(settings: Settings, model: str, commit: str, retraining: bool) -> None:
    """Raise SupersededError if something newer takes this delivery's place.

    A retraining is checked against this stage's record, a promotion against the source stage's, a
    first delivery against the last push.
    """
    record = record_object.read(settings)
    if retraining and not is_recorded(record, commit, [model]):
        raise SupersededError(f"another commit of {model} was delivered meanwhile")
    if retraining:
        return
    if settings.promotes_from is None:
        return admit(record, commit, settings, [model])
    if not is_recorded(record_object.read(environments()[settings.promotes_from]), commit, [model]):
        raise SupersededError(f"{settings.promotes_from} has another commit of {model} by now")


@contextmanager
def _failures(settings: Settings, model: str, verdicts: list[Verdict]) -> Iterator[None]:
    """Turn a failure of one model into its verdict, and tell the event log."""
    try:
        yield
    except SupersededError as error:
        verdicts.append(Verdict(model, "superseded", str(error)))
    except (RunError, ConfigurationError) as error:
        verdicts.append(Verdict(model, "failed", str(error)))
        with suppress(RunError):  # the verdict is what matters, and the build fails with it
            event_log.tell(settings, "run_failed", model, reason=str(error))
