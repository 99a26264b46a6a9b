"""Answers where something went: the models that were made from it, and where they are served."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.errors import RunError
from pipeline.lineage import walk
from pipeline.lineage.answer import Forward, Judged, Touched
from pipeline.lineage.cloud_servings import Servings, Unread
from pipeline.lineage.graph import Artifact, Serving, Store
from pipeline.lineage.place import Place
from pipeline.lineage.run_facts import RunFacts
from pipeline.lineage.walk import Reach

Groups = dict[str, list[Serving]]


@dataclass(frozen=True)
class Question:
    """Which runs are asked about: those of facts that match.

    `rows` asks for what was made from the rows that they read, else from all that they made.
    """

    text: str
    matches: Callable[[RunFacts], bool]
    rows: bool = False


@dataclass
class _Answers:
    """What was told so far."""

    touched: list[Touched] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def answer(places: Sequence[Place], models: Sequence[str], question: Question) -> Forward:
    """The reach in all of the places; one beside the first that can't be read is named."""
    first, *others = places
    answers = _Answers()
    _add_place(answers, first, models, question)
    for place in others:
        try:
            _add_place(answers, place, models, question)
        except RunError as error:
            answers.unread.append(Unread(place.stage or "", str(error)))
    return Forward(
        asked=question.text,
        stage=first.stage,
        models=answers.touched,
        judged=answers.judged,
        commands=list(dict.fromkeys(answers.commands)),
        unread=answers.unread,
        notes=answers.notes,
    )


def _add_place(answers: _Answers, place: Place, models: Sequence[str], question: Question) -> None:
    """Add the reach over all of the models; one whose metadata can't be read is noted."""
    failures = []
    for model in models:
        try:
            _add_model(answers, place, model, question)
        except RunError as error:
            failures.append((model, error))
    if failures and len(failures) == len(models):
        [(_, first_error), *_] = failures
        raise first_error
    answers.notes += [f"{model} is left out: {error}" for model, error in failures]


def _add_model(answers: _Answers, place: Place, model: str, question: Question) -> None:
    store = place.store(model)
    notes: list[str] = []
    reach = walk.forward(store, _artifacts(place, store, model, question, notes))
    servings = place.servings(model) if reach.models else Servings()
    touched = _touched(place, store, model, reach, servings)
    judged = [_judged(place, store, model, each) for each in reach.judged]
    answers.commands += _commands(place, touched)
    answers.touched += touched
    answers.judged += judged
    answers.unread += servings.unread
    answers.notes += notes


def _artifacts(
    place: Place, store: Store, model: str, question: Question, notes: list[str]
) -> Iterator[Artifact]:
    """What the matching runs read or made themselves."""
    for run in place.runs(model):
        try:
            facts = place.facts(model, run)
        except RunError as error:
            notes.append(f"{run} is left out: {error}")
            continue
        if facts is None:
            notes.append(f"{run} is left out: its summary is gone")
        elif question.matches(facts):
            yield from _of_run(store, run, rows=question.rows)


def _of_run(store: Store, run: str, *, rows: bool) -> Iterator[Artifact]:
    steps = [walk.step_of(store, execution) for execution in store.of_run(run)]
    for step in steps:
        artifacts = list(walk.artifacts_of(step.outputs))
        if rows and not step.inputs:
            yield from (each for each in artifacts if each.type == "Examples")
        if not rows and step.execution.state != "cached" and not walk.is_choice(step):
            yield from (each for each in artifacts if each.type not in walk.STOPS)


def _touched(
    place: Place, store: Store, model: str, reach: Reach, servings: Servings
) -> list[Touched]:
    by_model = _by_model(place, store, model, servings)
    touched = []
    for artifact in reach.models:
        producer = store.producer(artifact)
        run = producer.run if producer else ""
        facts = _facts(place, model, run)
        touched.append(
            Touched(
                model=model,
                stage=place.stage,
                run=run,
                digest=artifact.properties.get("digest"),
                commit=facts.code.commit if facts else None,
                servings=by_model.get(artifact.id, []),
            )
        )
    return touched


def _facts(place: Place, model: str, run: str) -> RunFacts | None:
    try:
        return place.facts(model, run)
    except RunError:  # it is noted where the runs are matched
        return None


def _by_model(place: Place, store: Store, model: str, servings: Servings) -> Groups:
    """The servings by the id of the model artifact that their versions are of."""
    by_version: Groups = {}
    for serving in servings.servings:
        group = by_version.setdefault(serving.version, [])
        group.append(serving)
    by_model: Groups = {}
    for version, of_version in by_version.items():
        run = place.run_of(model, version)
        artifact = walk.model_of(store, run) if run else None
        if artifact:
            group = by_model.setdefault(artifact.id, [])
            group += of_version
    return by_model


def _judged(place: Place, store: Store, model: str, judged: walk.Judged) -> Judged:
    producer = store.producer(judged.model)
    execution = judged.step.execution
    return Judged(
        model=model,
        stage=place.stage,
        run=producer.run if producer else "",
        digest=judged.model.properties.get("digest"),
        by=f"{execution.node} of {execution.run}",
    )


def _commands(place: Place, touched: Sequence[Touched]) -> Iterator[str]:
    """A command for each version that is served and should not be."""
    servings = [serving for model in touched for serving in model.servings]
    bad = [serving.version for serving in servings]
    for serving in servings:
        if serving.end is None:
            yield place.undo(serving, bad)
