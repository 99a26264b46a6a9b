"""The steps of two runs, each compared by what it leaves."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline.baseline import content as baseline_content
from pipeline.errors import RunError
from pipeline.reproduction import figures, records, saved_model
from pipeline.reproduction.verdict import Outcome, Step
from settings.values import cut

Comparison = Callable[[Path, Path], Outcome]
Difference = Callable[[Path, Path], str | None]  # the first one, if any
# node -> output -> folder here, of what a run left
Artifacts = Mapping[str, Mapping[str, Path]]
Json = dict[str, Any]


class Output(NamedTuple):
    step: str
    nodes: tuple[str, ...]  # that may have made it: the first that is there
    key: str
    compare: Comparison


def compared(old: Artifacts, new: Artifacts, old_summary: Json, new_summary: Json) -> list[Step]:
    """Each step's verdict; `old` is what is to be made again."""
    steps = [_step(output, old, new) for output in OUTPUTS]
    for name, figures_of in FIGURES.items():
        outcome = figures.compared(figures_of(old_summary), figures_of(new_summary))
        steps.append(Step(name, *outcome))
    return sorted(steps, key=lambda step: ORDER.index(step.name))


def _hyperparameters(summary: Json) -> Any:
    facts = summary["records"]
    return facts["hyperparameters"]


def _step(output: Output, old: Artifacts, new: Artifacts) -> Step:
    old_folder, new_folder = _folder(output, old), _folder(output, new)
    if old_folder is None:
        return Step(output.step, "not compared", "the run left none")
    if new_folder is None:
        return Step(output.step, "not compared", "it was not made again")
    try:
        outcome = output.compare(old_folder, new_folder)
    except (OSError, ValueError, DecodeError, tf.errors.OpError) as error:
        reason = cut(str(error), 100)
        raise RunError(
            f"{old_folder} or {new_folder} cannot be compared, a file of it is gone or damaged: "
            f"{reason}"
        ) from error
    return Step(output.step, *outcome)


def _folder(output: Output, artifacts: Artifacts) -> Path | None:
    for node in output.nodes:
        outputs = artifacts.get(node, {})
        folder = outputs.get(output.key)
        if folder is not None and folder.is_dir():
            return folder
    return None


def _exactly(difference: Difference) -> Comparison:
    def compare(old: Path, new: Path) -> Outcome:
        problem = difference(old, new)
        return ("different", problem) if problem else ("bit-equal", None)

    return compare


@_exactly
def _files(old: Path, new: Path) -> str | None:
    """The first difference of two folders' files, by their bytes."""
    old_files, new_files = _contents(old), _contents(new)
    names = old_files.keys() | new_files.keys()
    for name in sorted(names):
        if name not in old_files or name not in new_files:
            return f"{name} is in one of them alone"
        if old_files[name] != new_files[name]:
            return f"{name} has another content"
    return None


def _contents(folder: Path) -> dict[str, bytes]:
    contents = {}
    for path in folder.rglob("*"):
        if path.is_file():
            place = path.relative_to(folder)
            contents[str(place)] = path.read_bytes()
    return contents


@_exactly
def _statistics(old: Path, new: Path) -> str | None:
    """The first column whose statistics differ."""
    splits = [path.name for path in old.glob("Split-*")]
    for split in sorted(splits):
        column = _column(_features(old / split), _features(new / split))
        if column is not None:
            name = split.removeprefix("Split-")
            return f"the column {column} of {name}"
    return None


def _column(old: Json, new: Json) -> str | None:
    """The first column of one split whose statistics differ."""
    columns = old.keys() | new.keys()
    for column in sorted(columns):
        if old.get(column) != new.get(column):
            return column
    return None


def _features(split: Path) -> Json:
    file = split / "FeatureStats.pb"
    if not file.exists():
        return {}
    proto = statistics_pb2.DatasetFeatureStatisticsList()
    content = file.read_bytes()
    proto.ParseFromString(content)
    features = {}
    for dataset in proto.datasets:
        for feature in dataset.features:
            name = feature.name or ".".join(feature.path.step)
            features[name] = feature
    return features


@_exactly
def _transform(old: Path, new: Path) -> str | None:
    return saved_model.difference(old / "transform_fn", new / "transform_fn")


@_exactly
def _model(old: Path, new: Path) -> str | None:
    return saved_model.difference(old / "Format-Serving", new / "Format-Serving")


def _baseline(old: Path, new: Path) -> Outcome:
    """A baseline names its model's digest, which the comparison of the models answers for."""
    old_document, new_document = _document(old), _document(new)
    old_document.pop("digest", None)
    new_document.pop("digest", None)
    return figures.compared(old_document, new_document)


def _document(folder: Path) -> Json:
    file = folder / baseline_content.NAME
    if not file.exists():
        return {}
    text = file.read_text(encoding="utf-8")
    document: Json = json.loads(text)
    return document


EXAMPLE_GENS = ("CsvExampleGen", "BigQueryExampleGen")
_examples = _exactly(records.difference)
OUTPUTS = (
    Output("rows", EXAMPLE_GENS, "examples", _examples),
    Output("statistics", ("StatisticsGen",), "statistics", _statistics),
    Output("schema", ("ImportSchemaGen",), "schema", _files),
    Output("transform", ("Transform",), "transform_graph", _transform),
    Output("transformed rows", ("Transform",), "transformed_examples", _examples),
    Output("training", ("Trainer",), "model", _model),
    Output("baseline", ("Baseline",), "baseline", _baseline),
)
FIGURES = {  # of a summary, by the step
    "hyperparameters": _hyperparameters,
    "evaluation": figures.of_metrics,
    "gate": figures.of_gate,
}
ORDER = (
    "rows",
    "statistics",
    "schema",
    "transform",
    "transformed rows",
    "hyperparameters",
    "training",
    "evaluation",
    "baseline",
    "gate",
)
