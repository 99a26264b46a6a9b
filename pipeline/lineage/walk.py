"""Walks a lineage hop by hop: back to all that an artifact was made from, and forward.

A walk follows what makes something out of something. It stops at judgements and at the schema: a
bad baseline makes no later model bad that was compared with it, and bad rows make no schema.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pipeline.lineage.graph import Artifact, Artifacts, Execution, Store

MODEL = "Model"
Steps = dict[str, "Step"]  # by the execution's id
# What says something of a model or of its rows, and becomes no part of one.
JUDGEMENTS = (
    *("ModelBlessing", "InfraBlessing", "ModelEvaluation", "ExampleAnomalies"),
    *("ExampleStatistics", "esteira.Baseline", "Baseline"),
)
STOPS = (*JUDGEMENTS, "Schema", "ModelRun", "PushedModel")
JUDGED_KEY = "model"  # of a judge's inputs; its examples and baseline_model are judged against
BASELINE_KEY = "baseline_model"


@dataclass(frozen=True)
class Step:
    """An execution on the way, with what it read and made."""

    execution: Execution
    inputs: Artifacts
    outputs: Artifacts


@dataclass(frozen=True)
class Judgement:
    """A judge's word about a model."""

    step: Step
    baseline: Artifact | None  # the model that it was compared with


@dataclass(frozen=True)
class Judged:
    """A model that was only judged against something: made from none of it."""

    model: Artifact
    step: Step


@dataclass
class Reach:
    """What was made from something, and what was only judged against it."""

    models: list[Artifact] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)  # that made something on the way


def back(store: Store, artifact: Artifact) -> list[Step]:
    """The executions that made the artifact and all it was made from, the last one first."""
    steps: Steps = {}
    pending = [artifact]
    visited = {artifact.id}
    while pending:
        product = pending.pop(0)
        execution = store.producer(product)
        if execution is None or execution.id in steps:
            continue
        step = step_of(store, execution)
        steps[execution.id] = step
        for source in artifacts_of(step.inputs):
            if source.id not in visited and source.type not in JUDGEMENTS:
                visited.add(source.id)
                pending.append(source)
    return list(steps.values())


def judgements(store: Store, model: Artifact) -> list[Judgement]:
    """What judges said of the model itself; each word once, from whichever run it is."""
    words: dict[str, Judgement] = {}
    for execution in store.consumers(model):
        step = step_of(store, execution)
        if not _judges(step, model):
            continue
        baselines = step.inputs.get(BASELINE_KEY, ())
        judgement = Judgement(step, next(iter(baselines), None))
        for artifact in artifacts_of(step.outputs):
            if artifact.type in JUDGEMENTS:
                words.setdefault(artifact.id, judgement)
                break
    return list(words.values())


def pushes(store: Store, model: Artifact) -> list[Step]:
    """The executions that took the model to where it is served from."""
    steps = (step_of(store, execution) for execution in store.consumers(model))
    return [step for step in steps if pushed(step) is not None]


def pushed(step: Step) -> Artifact | None:
    """The pushed model that the step made."""
    for artifact in artifacts_of(step.outputs):
        is_pushed = artifact.properties.get("pushed") == 1
        if artifact.type == "PushedModel" and is_pushed:
            return artifact
    return None


def forward(store: Store, artifacts: Iterable[Artifact]) -> Reach:
    """The models that were made from the artifacts, and those only judged against them."""
    reach = Reach()
    starts = {artifact.id: artifact for artifact in artifacts}
    pending = list(starts.values())
    visited = set(starts)
    judges: Steps = {}
    steps: Steps = {}
    while pending:
        artifact = pending.pop(0)
        if artifact.type == MODEL:
            reach.models.append(artifact)
        for execution in store.consumers(artifact):
            if execution.id in steps or execution.id in judges:
                continue
            step = step_of(store, execution)
            products = _products(step)
            of_kind = steps if products else judges
            of_kind[execution.id] = step
            for product in products:
                if product.id not in visited:
                    visited.add(product.id)
                    pending.append(product)
    reach.steps = list(steps.values())
    reach.judged = list(_judged(judges.values(), visited))
    return reach


def _products(step: Step) -> list[Artifact]:
    """What the step made that becomes a part of something."""
    outputs = artifacts_of(step.outputs)
    return [artifact for artifact in outputs if artifact.type not in STOPS]


def step_of(store: Store, execution: Execution) -> Step:
    return Step(execution, store.inputs(execution), store.outputs(execution))


def model_of(store: Store, run: str) -> Artifact | None:
    """The model of a run, which it may have taken from the cache."""
    for execution in store.of_run(run):
        step = step_of(store, execution)
        models = [each for each in artifacts_of(step.outputs) if each.type == MODEL]
        if models and not is_choice(step):
            return models[0]
    return None


def is_choice(step: Step) -> bool:
    """Whether the step makes no model, but chooses one for a baseline: it has read no rows."""
    sources = {artifact.type for artifact in artifacts_of(step.inputs)}
    products = {artifact.type for artifact in artifacts_of(step.outputs)}
    return MODEL in products and not sources & {"Examples", "TransformGraph"}


def artifacts_of(side: Artifacts) -> Iterator[Artifact]:
    """All artifacts, by the order of their keys: a store may have none."""
    for key in sorted(side):
        yield from side[key]


def _judges(step: Step, model: Artifact) -> bool:
    """Whether the model is what was judged.

    ML Metadata keeps one event a pair, so that a model compared with itself has either key.
    """
    subjects = step.inputs.get(JUDGED_KEY) or step.inputs.get(BASELINE_KEY, ())
    return model.id in [subject.id for subject in subjects]


def _judged(judges: Iterable[Step], visited: set[str]) -> Iterator[Judged]:
    """The models of the judges' inputs that were reached by no other way, each once."""
    models: set[str] = set()
    for step in judges:
        for model in step.inputs.get(JUDGED_KEY, ()):
            if model.type == MODEL and model.id not in visited | models:
                models.add(model.id)
                yield Judged(model, step)
