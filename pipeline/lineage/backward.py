"""Answers where a model came from: its rows, its code, its image, and who judged it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from pipeline.delivery import git_process
from pipeline.errors import ConfigurationError, RunError
from pipeline.lineage import asked, walk
from pipeline.lineage.answer import Backward, Hop, Origin, Verdict
from pipeline.lineage.asked import Subject
from pipeline.lineage.cloud_servings import Servings
from pipeline.lineage.graph import Artifact, Artifacts, Execution, Store
from pipeline.lineage.place import Place
from pipeline.lineage.run_facts import RunFacts
from pipeline.lineage.walk import Judgement, Step
from settings import REPOSITORY

AUTHOR = "--format=%an, %as"  # git-log(1): the author's name and the day
BLESSING = "ModelBlessing", "InfraBlessing"


def answer(place: Place, name: str, at: datetime | None, before: str | None) -> Backward:
    """Where what the name means came from; `before` is the stage it was promoted from."""
    subjects = asked.subjects(place, name, at)
    models = {subject.model for subject in subjects}
    servings = {model: place.servings(model) for model in models}
    unread = [each for answer in servings.values() for each in answer.unread]
    notes: list[str] = []
    origins = []
    for subject in subjects:
        origin = _origin(place, subject, servings[subject.model], before, notes)
        origins.append(origin)
    times = [subject.time for subject in subjects if subject.time]
    [request_time, *_] = [*times, None]
    return Backward(
        asked=name,
        stage=place.stage,
        at=at or request_time,
        origins=origins,
        unread=unread,
        notes=notes,
    )


def _origin(
    place: Place, subject: Subject, servings: Servings, before: str | None, notes: list[str]
) -> Origin:
    store = place.store(subject.model)
    run = _run(place, subject)
    model = walk.model_of(store, run)
    if model is None:
        raise ConfigurationError(_no_model(store, run))
    producer = store.producer(model)
    trained_by = producer.run if producer else None
    facts = _facts(place, subject.model, trained_by or run, notes)
    versions = {subject.version} if subject.version else _versions(store, model)
    steps = walk.back(store, model)
    judgements = walk.judgements(store, model)
    return Origin(
        model=subject.model,
        stage=place.stage,
        version=next(iter(versions), None),
        run=run,
        trained_by=trained_by,
        digest=model.properties.get("digest"),
        hops=[hop(step) for step in steps],
        verdicts=[_verdict(store, judgement) for judgement in judgements],
        code=facts.code if facts else None,
        author=_author(facts),
        environment=facts.environment if facts else None,
        data=facts.data if facts else {},
        hyperparameters=facts.hyperparameters if facts else {},
        metrics=facts.metrics if facts else {},
        servings=[each for each in servings.servings if each.version in versions],
        promoted_from=before if versions else None,
    )


def _run(place: Place, subject: Subject) -> str:
    if subject.run:
        return subject.run
    assert subject.version
    run = place.run_of(subject.model, subject.version)
    if run is None:
        raise RunError(
            f"nothing tells any more which run made version {subject.version} of {subject.model}: "
            "its run was pruned, or it was published by hand"
        )
    return run


def _no_model(store: Store, run: str) -> str:
    """Why the run has none."""
    reason = "its metadata are gone, it was pruned"
    for execution in store.of_run(run):
        if execution.state != "cached":
            reason = f"it ended at {execution.node} {execution.state}"
    return f"the run {run} made no model, allowed is one that did: {reason}"


def _facts(place: Place, model: str, run: str, notes: list[str]) -> RunFacts | None:
    """The run's facts; where they are gone or damaged, that is noted."""
    try:
        facts = place.facts(model, run)
    except RunError as error:
        notes.append(str(error))
        return None
    if facts is None:
        notes.append(f"the summary of {run} is gone: its code and packages are not known any more")
    return facts


def _versions(store: Store, model: Artifact) -> set[str]:
    """The versions that were pushed of the model."""
    versions = set()
    for step in walk.pushes(store, model):
        push = walk.pushed(step)
        if push is None:
            continue
        version = push.properties.get("pushed_version")
        if version:
            versions.add(str(version))
    return versions


def hop(step: Step) -> Hop:
    execution: Execution = step.execution
    return Hop(
        node=execution.node,
        run=execution.run,
        started=execution.started,
        inputs=_lists(step.inputs),
        outputs=_lists(step.outputs),
    )


def _lists(side: Artifacts) -> dict[str, list[Artifact]]:
    return {key: list(group) for key, group in side.items()}


def _verdict(store: Store, judgement: Judgement) -> Verdict:
    step, baseline = judgement.step, judgement.baseline
    outputs = walk.artifacts_of(step.outputs)
    verdict = Verdict(
        node=step.execution.node,
        run=step.execution.run,
        blessed=_blessed(outputs),
        against=None,
        against_run=None,
    )
    if baseline is None:
        return verdict
    name = baseline.properties.get("digest") or baseline.uri
    producer = store.producer(baseline)
    return replace(verdict, against=name, against_run=producer.run if producer else None)


def _blessed(artifacts: Iterable[Artifact]) -> bool | None:
    for artifact in artifacts:
        if artifact.type in BLESSING:
            return artifact.properties.get("blessed") == 1
    return None


def _author(facts: RunFacts | None) -> str | None:
    """Who wrote the commit and when; None in a checkout that does not have it."""
    if facts is None or facts.code.reason:
        return None
    try:
        text = git_process.answer(REPOSITORY, "log", "-1", AUTHOR, facts.code.commit, missing=128)
    except RunError:
        return None
    return text.strip() if text else None
