"""The steps of two runs, each compared by what it leaves."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline.baseline import content as baseline_content
from pipeline.errors import RunError
from pipeline.reproduction import records, saved_model
from pipeline.reproduction.verdict import TOLERANCE, Step, Word
from settings.values import cut

Outcome = tuple[Word, str | None]
Comparison = Callable[[Path, Path], Outcome]
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
    hyperparameters = _hyperparameters(old_summary, new_summary)
    evaluation = Step("evaluation", *_figures(_metrics(old_summary), _metrics(new_summary)))
    gate = Step("gate", *_figures(_gate(old_summary), _gate(new_summary)))
    by_name = {step.name: step for step in [*steps, hyperparameters, evaluation, gate]}
    return [by_name[name] for name in ORDER]


def _step(output: Output, old: Artifacts, new: Artifacts) -> Step:
    old_folder, new_folder = _folder(output, old), _folder(output, new)
    if old_folder is None:
        return Step(output.step, "not compared", "the run left none")
    if new_folder is None:
        return Step(output.step, "not compared", "it was not made again")
    try:
        outcome = output.compare(old_folder, new_folder)
    except (OSError, ValueError, DecodeError, tf.errors.OpError) as error:
        raise RunError(
            f"{old_folder} or {new_folder} cannot be compared, a file of it is gone or damaged: "
            f"{cut(str(error), 100)}"
        ) from error
    return Step(output.step, *outcome)


def _folder(output: Output, artifacts: Artifacts) -> Path | None:
    for node in output.nodes:
        folder = artifacts.get(node, {}).get(output.key)
        if folder is not None and folder.is_dir():
            return folder
    return None


def _exactly(difference: Callable[[Path, Path], str | None]) -> Comparison:
    def compare(old: Path, new: Path) -> Outcome:
        problem = difference(old, new)
        return ("different", problem) if problem else ("bit-equal", None)

    return compare


def _files(old: Path, new: Path) -> str | None:
    """The first difference of two folders' files, by their bytes."""
    old_files, new_files = _contents(old), _contents(new)
    for name in sorted(old_files.keys() | new_files.keys()):
        if name not in old_files or name not in new_files:
            return f"{name} is in one of them alone"
        if old_files[name] != new_files[name]:
            return f"{name} has another content"
    return None


def _contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _statistics(old: Path, new: Path) -> str | None:
    """The first column whose statistics differ."""
    for split in sorted(path.name for path in old.glob("Split-*")):
        old_features, new_features = _features(old / split), _features(new / split)
        for name in sorted(old_features.keys() | new_features.keys()):
            if old_features.get(name) != new_features.get(name):
                return f"the column {name} of {split.removeprefix('Split-')}"
    return None


def _features(split: Path) -> Json:
    file = split / "FeatureStats.pb"
    if not file.exists():
        return {}
    proto = statistics_pb2.DatasetFeatureStatisticsList()
    proto.ParseFromString(file.read_bytes())
    features = {}
    for dataset in proto.datasets:
        for feature in dataset.features:
            features[feature.name or ".".join(feature.path.step)] = feature
    return features


def _transform(old: Path, new: Path) -> str | None:
    return saved_model.difference(old / "transform_fn", new / "transform_fn")


def _model(old: Path, new: Path) -> str | None:
    return saved_model.difference(old / "Format-Serving", new / "Format-Serving")


def _baseline(old: Path, new: Path) -> Outcome:
    """A baseline names its model's digest, which the comparison of the models answers for."""
    old_document, new_document = _document(old), _document(new)
    old_document.pop("digest", None)
    new_document.pop("digest", None)
    return _figures(old_document, new_document)


def _document(folder: Path) -> Json:
    file = folder / baseline_content.NAME
    document: Json = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return document


def _hyperparameters(old: Json, new: Json) -> Step:
    pair = [summary["records"]["hyperparameters"] for summary in (old, new)]
    return Step("hyperparameters", *_figures(*pair))


def _metrics(summary: Json) -> Json:
    slices: Json = {"all": summary["metrics"], **summary["slices"]}
    kept = {}
    for part, metrics in slices.items():
        # How much better than the last blessed: a model made again has none.
        kept[part] = {name: value for name, value in metrics.items() if not name.endswith("_diff")}
    return kept


def _gate(summary: Json) -> Json:
    """Which bounds hold; a model made again has no last blessed one to be compared with."""
    checks = [check for check in summary["gate"] if not check["metric"].startswith("change of ")]
    return {f"{check['metric']} ({check['slice']})": check["holds"] for check in checks}


def _figures(old: Any, new: Any) -> Outcome:
    """Two JSON documents: equal, or all of their numbers within the tolerance."""
    if old == new:
        return "bit-equal", None
    changes = list(_changes(old, new, ""))
    if not changes:  # what is null in one and not there in the other is no number in both
        return "bit-equal", None
    worst = next((change for change in changes if change.distance > TOLERANCE), None)
    if worst is not None:
        return "different", worst.sentence
    largest = max(changes, key=lambda change: change.distance)
    return "within tolerance", f"{largest.sentence}, allowed is {TOLERANCE:g}"


class _Change(NamedTuple):
    distance: float  # infinite where there is none
    sentence: str


def _changes(old: Any, new: Any, place: str) -> Iterator[_Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _changes(old.get(name), new.get(name), f"{place}.{name}".lstrip("."))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (old_value, new_value) in enumerate(zip(old, new, strict=True)):
            yield from _changes(old_value, new_value, f"{place}[{number}]")
    elif old != new:
        yield _Change(_distance(old, new), f"{place} was {old!s:.40}, is {new!s:.40}")


def _distance(old: Any, new: Any) -> float:
    both_are_numbers = all(type(value) in (int, float) for value in (old, new))
    return abs(old - new) if both_are_numbers else math.inf


OUTPUTS = (
    Output(
        "rows", ("CsvExampleGen", "BigQueryExampleGen"), "examples", _exactly(records.difference)
    ),
    Output("statistics", ("StatisticsGen",), "statistics", _exactly(_statistics)),
    Output("schema", ("ImportSchemaGen",), "schema", _exactly(_files)),
    Output("transform", ("Transform",), "transform_graph", _exactly(_transform)),
    Output(
        "transformed rows", ("Transform",), "transformed_examples", _exactly(records.difference)
    ),
    Output("training", ("Trainer",), "model", _exactly(_model)),
    Output("baseline", ("Baseline",), "baseline", _baseline),
)
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
