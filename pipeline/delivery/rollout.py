"""What deliver and promote share: a commit's models published, run, released and recorded, and the next stage asked."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from environments import ENVIRONMENTS
from pipeline import spec
from pipeline.delivery import git, record_object
from pipeline.delivery.record import Images, Record, SupersededError
from pipeline.delivery.release import Candidate, release
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import artifact_registry, cloud_build, event_log, pipeline_jobs, pubsub
from pipeline.gcp.modules import addresses, publish
from pipeline.gcp.pipeline_jobs import Outcome, Submission
from pipeline.job import compiler
from pipeline.model.folder import ModelFolder
from pipeline.progress import Observer, shown
from settings import REPOSITORY, Settings, model_names


@dataclass(frozen=True)
class Verdict:
    model: str
    state: Literal["delivered", "not blessed", "failed", "superseded"]
    reason: str


def asked_models(models: str) -> list[str]:
    """What _MODELS says: `all`, `none`, or names joined by commas; ConfigurationError for one that is not in the checkout."""
    known = model_names()
    named = {cloud_build.ALL_MODELS: known, cloud_build.NO_MODELS: []}.get(
        models, models.split(",")
    )
    if unknown := sorted(set(named) - set(known)):
        allowed = f"{cloud_build.ALL_MODELS}, {cloud_build.NO_MODELS}, or of {', '.join(known)}"
        raise ConfigurationError(f"--models names {unknown[0]!r}, allowed are {allowed}")
    return sorted(set(named))


def check_commit(commit: str) -> None:
    head = git.commit(REPOSITORY, "HEAD")
    if head != commit:
        raise ConfigurationError(
            f"--commit is {commit}, allowed is the commit that is checked out, {head}"
        )


def admit(record: Record, commit: str, settings: Settings, models: list[str]) -> None:
    """What was pushed last goes on, and what is recorded is trained anew: so the older of two builds at once can't have the last word."""
    if is_recorded(record, commit, models) or (record.pushed and record.pushed.commit == commit):
        return
    if record.pushed is None:
        raise ConfigurationError(
            f"--commit is {commit[:12]}, which was not pushed: `python3 -m pipeline push --env {settings.stage}`"
        )
    raise SupersededError(
        f"{record.pushed.commit[:12]} was pushed after {commit[:12]} and is delivered in its place"
    )


def is_recorded(record: Record, commit: str, models: list[str]) -> bool:
    """Whether all these models are recorded as of this commit."""
    return bool(models) and all(
        model in record.models and record.models[model].current.commit == commit for model in models
    )


def deliver_models(
    settings: Settings, commit: str, images: dict[str, Images], observer: Observer
) -> list[Verdict]:
    """Submit all, then release each as soon as its run has ended; one that fails keeps none of the others from going on."""
    for chosen in set(images.values()):
        artifact_registry.check(settings, chosen)
    runs: dict[str, Any] = {}
    verdicts: list[Verdict] = []
    today = datetime.now(UTC).date()
    for model, chosen in images.items():
        with _failures(settings, model, verdicts):
            runs[model] = submit(Submission(settings, model, commit, chosen, today), observer)
    for model, outcome in pipeline_jobs.wait(settings, runs, observer):
        with _failures(settings, model, verdicts):
            verdicts.append(_judged(settings, model, commit, images[model], outcome, observer))
    return sorted(verdicts, key=lambda verdict: verdict.model)


def submit(wanted: Submission, observer: Observer) -> Any:
    """Publish the model's modules, compile its job and have Vertex run it."""
    settings, folder = wanted.settings, ModelFolder.load(wanted.model)
    with shown(observer, f"{wanted.model} publish"):
        publish(folder, settings)
    with shown(observer, f"{wanted.model} compile"):
        image = artifact_registry.Image(settings, "pipeline").at(wanted.images.pipeline)
        serving_image = artifact_registry.Image(settings, "serving").at(wanted.images.serving)
        settled = spec.cloud(
            folder, settings, image=image, serving_image=serving_image, end=wanted.end
        )
        job = pipeline_jobs.checked(compiler.compiled(settled, image), settings, wanted.images)
    with shown(observer, f"{wanted.model} submit"):
        known = record_object.read(settings).models.get(wanted.model)
        return pipeline_jobs.submit(
            wanted, job, {d.run for d in (known.current, known.before) if d} if known else set()
        )


def close(settings: Settings, commit: str, images: Images) -> None:
    """All of the commit is delivered: it is the base of the next route, in dev unless a later push has taken its place."""
    artifact_registry.keep(settings, images)

    def change(record: Record) -> Record:
        later = record.pushed is not None and record.pushed.commit != commit
        return record if later else replace(record, commit=commit, images=images)

    record_object.update(settings, change)


def hand_on(settings: Settings, commit: str, verdicts: list[Verdict], observer: Observer) -> None:
    """Ask the stages that promote from this one for what was delivered."""
    models = ",".join(verdict.model for verdict in verdicts if verdict.state == "delivered")
    for follower in (
        environment
        for environment in ENVIRONMENTS.values()
        if environment.promotes_from == settings.stage and models
    ):
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
    released = release(
        candidate, observer, lambda: _still_wanted(settings, model, commit, retraining)
    )
    return Verdict(model, "delivered", f"version {released.registry_version} serves")


def _still_wanted(settings: Settings, model: str, commit: str, retraining: bool) -> None:
    """Raises SupersededError where the model is of another commit by now: here, for a retraining, or else where it comes from."""
    record = record_object.read(settings)
    if retraining and not is_recorded(record, commit, [model]):
        raise SupersededError(f"another commit of {model} was delivered meanwhile")
    if retraining:
        return
    if settings.promotes_from is None:
        return admit(record, commit, settings, [model])
    if not is_recorded(record_object.read(ENVIRONMENTS[settings.promotes_from]), commit, [model]):
        raise SupersededError(f"{settings.promotes_from} has another commit of {model} by now")


@contextmanager
def _failures(settings: Settings, model: str, verdicts: list[Verdict]) -> Iterator[None]:
    """A failure of one model is its verdict, and told to whoever watches."""
    try:
        yield
    except SupersededError as error:
        verdicts.append(Verdict(model, "superseded", str(error)))
    except (RunError, ConfigurationError) as error:
        verdicts.append(Verdict(model, "failed", str(error)))
        with suppress(RunError):  # the verdict is what matters, and the build fails with it
            event_log.tell(settings, "run_failed", model, reason=str(error))
