"""Tries to serve the model before it is published.

Our engine, in a fresh process, answers the sample, held-out rows and hostile requests.
"""

import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.utils import io_utils, path_utils

from pipeline.components import model_manifest
from pipeline.components.cache_key import source_sha256
from pipeline.serving import engine_process

# Enough rows: identical scores for all of them mean a constant model.
HELD_OUT_ROWS = 64

Instance = dict[str, Any]  # raw features, as a client sends them


class ServingCheckSpec(component_spec.ComponentSpec):
    PARAMETERS = {"source_sha256": component_spec.ExecutionParameter(type=str)}
    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {"blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing)}


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        artifact = artifact_utils.get_single_instance(input_dict["model"])
        model = path_utils.serving_model_path(artifact.uri)
        examples_folder = artifact_utils.get_split_uri(input_dict["examples"], "eval")
        rows = _held_out_rows(examples_folder)
        with model_manifest.judged(artifact, blessing):
            problems = check(model, rows)
        blessed = not problems
        blessing.set_int_custom_property("blessed", int(blessed))
        blessing.set_string_custom_property("problems", json.dumps(problems))
        name = "INFRA_BLESSED" if blessed else "INFRA_NOT_BLESSED"
        text = "\n".join(problems)
        io_utils.write_string_file(f"{blessing.uri}/{name}", text)


class ServingCheck(base_component.BaseComponent):
    """An InfraBlessing with its problems as the property `problems` (a JSON list of sentences)."""

    SPEC_CLASS = ServingCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, *, model: types.BaseChannel, examples: types.BaseChannel) -> None:
        sources = (
            "components/model_manifest.py",
            "components/serving_check.py",
            "serving/engine.py",
            "serving/engine_process.py",
            "serving/examples.py",
            "serving/numbers.py",
            "serving/row_key.py",
            "serving/session.py",
        )
        spec = ServingCheckSpec(
            model=model,
            examples=examples,
            source_sha256=source_sha256(*sources),
            blessing=types.Channel(type=standard_artifacts.InfraBlessing),
        )
        super().__init__(spec)


class _Request(NamedTuple):
    subject: str
    instances: list[Any]
    valid: bool  # must be answered; else it must be refused by name


def check(model: str, rows: list[Instance]) -> list[str]:
    """The problems of serving the exported model, one sentence for each.

    `rows` are raw features of held-out examples.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = model
        if "://" in model:
            path = f"{folder}/model"
            io_utils.copy_dir(model, path)
        serving = _asset(path, "serving.json")
        sample = _asset(path, "sample.json")
        requests = _requests(sample, rows, serving["features"])
        batches = [request.instances for request in requests]
        answers, error_line = engine_process.ask(path, batches)
    problems: list[str] = []
    for request, answer in zip(requests, answers, strict=False):
        problems += _problems(request, answer, serving["output_range"])
    if len(answers) < len(requests):
        failed_request = requests[len(answers)]
        problems.append(f"the engine died at {failed_request.subject}: {error_line}")
    if len(answers) > 1:
        scores = answers[1].get("predictions", [])
        problems += _constancy(scores)
    return problems


def _asset(model: str, name: str) -> Any:
    """What the Trainer put beside the model for its server."""
    text = Path(f"{model}/assets.extra/{name}").read_text(encoding="utf-8")
    return json.loads(text)


def _requests(sample: Instance, rows: list[Instance], features: dict[str, str]) -> list[_Request]:
    held_out_instances = []
    for row in rows:
        instance = {name: row.get(name) for name in features}
        held_out_instances.append(instance)
    return [
        _Request("the sample", [sample], True),
        _Request("held-out rows", held_out_instances, True),
        *_hostile(sample, features),
    ]


def _hostile(sample: Instance, features: dict[str, str]) -> Iterator[_Request]:
    """A client's odd requests, sent by mistake or on purpose."""
    wrong_values = {"INT": "many", "FLOAT": "much", "BYTES": 7}
    extreme_values = {"INT": 2**62, "FLOAT": -3e38, "BYTES": "\u0000\U0001f695" * 500}
    zero_values = {"INT": 0, "FLOAT": 0, "BYTES": ""}
    nulls = dict.fromkeys(features)
    extremes = {name: extreme_values[kind] for name, kind in features.items()}
    zeros = {name: zero_values[kind] for name, kind in features.items()}
    yield _Request("an empty instance", [{}], True)
    yield _Request("an instance of nulls", [nulls], True)
    yield _Request("an instance of extremes", [extremes], True)
    yield _Request("an instance of zeros and empty strings", [zeros], True)
    for name, kind in features.items():
        instance = {**sample, name: wrong_values[kind]}
        yield _Request(f"the sample with a wrong type in {name}", [instance], False)
    instance = {**sample, "no such feature": 1}
    yield _Request("the sample with an unknown feature", [instance], False)
    yield _Request("a list for an instance", [[1, 2]], False)
    yield _Request("the sample again", [sample], True)


def _problems(
    request: _Request, answer: dict[str, Any], output_range: list[float]
) -> Iterator[str]:
    subject, instances, valid = request
    if not valid:
        if "error" not in answer:
            yield f"{subject} is answered with {answer['predictions']}, expected is a refusal"
        return
    if "error" in answer:
        yield f"{subject} is refused: {answer['error']}"
        return
    low, high = output_range
    scores = answer["predictions"]
    if len(scores) != len(instances):
        yield f"{subject} has {len(instances)} instances and {len(scores)} answers"
    for score in scores:
        if not _is_number_from(low, high, score):
            yield (
                f"{subject} is answered with {score}, "
                f"expected is a finite number from {low} to {high}"
            )
            return


def _is_number_from(low: float, high: float, score: object) -> bool:
    if not isinstance(score, int | float):
        return False
    return math.isfinite(score) and low <= score <= high


def _constancy(scores: list[Any]) -> Iterator[str]:
    """The problem that all rows have the same score."""
    if len(scores) < 2:
        return
    first_score, *further_scores = scores
    if all(score == first_score for score in further_scores):
        yield (
            f"the model answers a constant, {first_score}, to {len(scores)} different held-out rows"
        )


def _held_out_rows(folder: str) -> list[Instance]:
    files = tf.io.gfile.glob(f"{folder}/*")
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    first_records = records.take(HELD_OUT_ROWS)
    return [_row(record) for record in first_records.as_numpy_iterator()]


def _row(record: bytes) -> Instance:
    example = tf.train.Example.FromString(record)
    row: Instance = {}
    for name, feature in example.features.feature.items():
        kind = feature.WhichOneof("kind") or "bytes_list"
        values = getattr(feature, kind).value
        row[name] = _first(values)
    return row


def _first(values: Sequence[Any]) -> Any:
    """A feature's one value; None where it is missing."""
    if not values:
        return None
    value = values[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value
