"""What a trigger's build does with a commit: publish, compile, run, release and record its models, and hand on what passed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from environments import ENVIRONMENTS
from pipeline import model_folder, runners, spec
from pipeline.delivery import events, history, record_object, registry, submission, triggers
from pipeline.delivery.publish import addresses, publish
from pipeline.delivery.record import Images, Record, SupersededError
from pipeline.delivery.release import Candidate, release
from pipeline.delivery.submission import Outcome, Submission
from pipeline.errors import ConfigurationError, RunError
from pipeline.progress import Observer, shown
from settings import REPOSITORY, Settings, model_names


@dataclass(frozen=True)
class Verdict:
    model: str
    state: Literal["delivered", "not blessed", "failed", "superseded"]
    reason: str


def deliver(settings: Settings, commit: str, models: list[str], tag: str | None, observer: Observer) -> list[Verdict]:
    """Deliver these models of the commit, which is checked out: in the images of `tag`, or without one in those that the record names."""
    check_commit(commit)
    record = record_object.read(settings)
    admit(record, commit, settings, models)
    images = registry.by_tag(settings, tag, commit) if tag is not None else record.images
    if tag is None and is_recorded(record, commit, models):  # anew on newer data, each in the images that made it
        chosen = {model: record.models[model].current.images for model in models}
    elif images is None:
        raise ConfigurationError(f"{record_object.uri(settings)} names no images yet: the first delivery builds them, push with --again")
    else:
        chosen = dict.fromkeys(models, images)
    verdicts = deliver_models(settings, commit, chosen, observer)
    pushed = record.pushed
    if pushed and pushed.commit == commit:  # else it is a retraining, which each stage has of its own
        whole = set(pushed.models) <= set(models) and (tag is not None or pushed.recipe == "modules")
        if images and whole and not any(verdict.state == "failed" for verdict in verdicts):
            close(settings, commit, images)
        hand_on(settings, commit, verdicts, observer)
    return verdicts


def asked_models(models: str) -> list[str]:
    """What _MODELS says: `all`, `none`, or names joined by commas; ConfigurationError for one that is not in the checkout."""
    known = model_names()
    named = {triggers.ALL_MODELS: known, triggers.NO_MODELS: []}.get(models, models.split(","))
    if unknown := sorted(set(named) - set(known)):
        allowed = f"{triggers.ALL_MODELS}, {triggers.NO_MODELS}, or of {', '.join(known)}"
        raise ConfigurationError(f"--models names {unknown[0]!r}, allowed are {allowed}")
    return sorted(set(named))


def check_commit(commit: str) -> None:
    head = history.commit(REPOSITORY, "HEAD")
    if head != commit:
        raise ConfigurationError(f"--commit is {commit}, allowed is the commit that is checked out, {head}")


def admit(record: Record, commit: str, settings: Settings, models: list[str]) -> None:
    """What was pushed last goes on, and what is recorded is trained anew: so the older of two builds at once can't have the last word."""
    if is_recorded(record, commit, models) or (record.pushed and record.pushed.commit == commit):
        return
    if record.pushed is None:
        raise ConfigurationError(f"--commit is {commit[:12]}, which was not pushed: `python3 -m pipeline push --env {settings.stage}`")
    raise SupersededError(f"{record.pushed.commit[:12]} was pushed after {commit[:12]} and is delivered in its place")


def is_recorded(record: Record, commit: str, models: list[str]) -> bool:
    """Whether all these models are recorded as of this commit."""
    return bool(models) and all(model in record.models and record.models[model].current.commit == commit for model in models)


def deliver_models(settings: Settings, commit: str, images: dict[str, Images], observer: Observer) -> list[Verdict]:
    """Submit all, then release each as soon as its run has ended; one that fails keeps none of the others from going on."""
    for chosen in set(images.values()):
        registry.check(settings, chosen)
    runs: dict[str, Any] = {}
    verdicts: list[Verdict] = []
    today = datetime.now(UTC).date()
    for model, chosen in images.items():
        with _failures(settings, model, verdicts):
            runs[model] = submit(Submission(settings, model, commit, chosen, today), observer)
    for model, outcome in submission.wait(settings, runs, observer):
        with _failures(settings, model, verdicts):
            verdicts.append(_judged(settings, model, commit, images[model], outcome, observer))
    return sorted(verdicts, key=lambda verdict: verdict.model)


def submit(wanted: Submission, observer: Observer) -> Any:
    """Publish the model's modules, compile its job and have Vertex run it."""
    settings, folder = wanted.settings, model_folder.load(wanted.model)
    with shown(observer, f"{wanted.model} publish"):
        publish(folder, settings)
    with shown(observer, f"{wanted.model} compile"):
        image = registry.Image(settings, "pipeline").at(wanted.images.pipeline)
        serving_image = registry.Image(settings, "serving").at(wanted.images.serving)
        settled = spec.cloud(folder, settings, image=image, serving_image=serving_image, end=wanted.end)
        job = submission.checked(runners.compiled(settled, image), settings, wanted.images)
    with shown(observer, f"{wanted.model} submit"):
        known = record_object.read(settings).models.get(wanted.model)
        return submission.submit(wanted, job, {d.run for d in (known.current, known.before) if d} if known else set())


def close(settings: Settings, commit: str, images: Images) -> None:
    """All of the commit is delivered: it is the base of the next route, in dev unless a later push has taken its place."""
    registry.keep(settings, images)

    def change(record: Record) -> Record:
        later = record.pushed is not None and record.pushed.commit != commit
        return record if later else replace(record, commit=commit, images=images)

    record_object.update(settings, change)


def hand_on(settings: Settings, commit: str, verdicts: list[Verdict], observer: Observer) -> None:
    """Ask the stages that promote from this one for what was delivered."""
    models = ",".join(verdict.model for verdict in verdicts if verdict.state == "delivered")
    for follower in (environment for environment in ENVIRONMENTS.values() if environment.promotes_from == settings.stage and models):
        with shown(observer, f"ask {follower.stage} to promote {models}"):
            triggers.ask_to_promote(follower, commit, models)


def _judged(settings: Settings, model: str, commit: str, images: Images, outcome: Outcome, observer: Observer) -> Verdict:
    if outcome.error is not None:
        raise RunError(outcome.error)
    if outcome.version is None:
        events.tell(settings, "not_blessed", model, commit=commit, run=outcome.run)
        return Verdict(model, "not blessed", f"the candidate was refused, what served before still does ({outcome.run})")
    retraining = is_recorded(record_object.read(settings), commit, [model])
    modules = addresses(model_folder.load(model), settings)
    candidate = Candidate(settings, model, commit, images, outcome.run, outcome.version, modules)
    released = release(candidate, observer, lambda: _still_wanted(settings, model, commit, retraining))
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
            events.tell(settings, "run_failed", model, reason=str(error))
