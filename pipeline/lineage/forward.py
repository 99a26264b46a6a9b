"""Answers where something went: the models that were made from it, and where they are served."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.errors import RunError
from pipeline.lineage import walk
from pipeline.lineage.answer import Forward, Judged, Touched
from pipeline.lineage.cloud_servings import Servings, Unread
from pipeline.lineage.graph import Artifact, Serving, Store
from pipeline.lineage.place import Place
from pipeline.lineage.run_facts import RunFacts
from pipeline.lineage.walk import Reach


@dataclass(frozen=True)
class Question:
    """Which runs are asked about: those of facts that match.

    `rows` asks for what was made from the rows that they read, else from all that they made.
    """

    text: str
    matches: Callable[[RunFacts], bool]
    rows: bool = False


def answer(place: Place, models: Sequence[str], question: Question) -> Forward:
    """The reach over all of the models; one whose metadata can't be read is noted."""
    touched: list[Touched] = []
    judged: list[Judged] = []
    unread: list[Unread] = []
    notes: list[str] = []
    failures = []
    for model in models:
        try:
            store = place.store(model)
            artifacts = _artifacts(place, store, model, question, notes)
            reach = walk.forward(store, artifacts)
            servings = place.servings(model) if reach.models else Servings()
        except RunError as error:
            failures.append(error)
            notes.append(f"{model} is left out: {error}")
            continue
        unread += servings.unread
        touched += _touched(place, store, model, reach, servings)
        judged += [_judged(store, model, each) for each in reach.judged]
    if failures and len(failures) == len(models):
        raise failures[0]
    return Forward(
        asked=question.text,
        stage=place.stage,
        models=touched,
        judged=judged,
        commands=list(_commands(place, touched)),
        unread=unread,
        notes=notes,
    )


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


def _by_model(
    place: Place, store: Store, model: str, servings: Servings
) -> dict[str, list[Serving]]:
    """The servings by the id of the model artifact that their versions are of."""
    ids: dict[tuple[str | None, str], str | None] = {}
    by_model: dict[str, list[Serving]] = {}
    for serving in servings.servings:
        key = serving.stage, serving.version
        if key not in ids:
            run = place.run_of(model, serving.version, serving.stage)
            artifact = walk.model_of(store, run) if run else None
            ids[key] = artifact.id if artifact else None
        if id_ := ids[key]:
            by_model.setdefault(id_, []).append(serving)
    return by_model


def _judged(store: Store, model: str, judged: walk.Judged) -> Judged:
    producer = store.producer(judged.model)
    execution = judged.step.execution
    return Judged(
        model=model,
        run=producer.run if producer else "",
        digest=judged.model.properties.get("digest"),
        by=f"{execution.node} of {execution.run}",
    )


def _commands(place: Place, touched: Sequence[Touched]) -> Iterator[str]:
    """A command for each version that is served and should not be."""
    servings = [serving for model in touched for serving in model.servings]
    for serving in servings:
        if serving.end is None:
            bad = [
                each.version
                for each in servings
                if (each.stage, each.model) == (serving.stage, serving.model)
            ]
            yield place.undo(serving, bad)
