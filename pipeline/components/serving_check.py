"""Tries to serve the model before it is published.

Our engine, in a fresh process, answers the sample, held-out rows and hostile requests.
"""

import json
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.utils import io_utils, path_utils

from pipeline.components.cache_key import source_sha256
from pipeline.serving import engine_process

# Enough rows: identical scores for all of them mean a constant model.
HELD_OUT_ROWS = 64


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
        model = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
        rows = _held_out_rows(artifact_utils.get_split_uri(input_dict["examples"], "eval"))
        problems = check(model, rows)
        blessing.set_int_custom_property("blessed", int(not problems))
        blessing.set_string_custom_property("problems", json.dumps(problems))
        name = "INFRA_NOT_BLESSED" if problems else "INFRA_BLESSED"
        io_utils.write_string_file(f"{blessing.uri}/{name}", "\n".join(problems))


class ServingCheck(base_component.BaseComponent):
    """An InfraBlessing with its problems as the property `problems` (a JSON list of sentences)."""

    SPEC_CLASS = ServingCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, *, model: types.BaseChannel, examples: types.BaseChannel) -> None:
        super().__init__(
            ServingCheckSpec(
                model=model,
                examples=examples,
                source_sha256=source_sha256(
                    "components/serving_check.py", "serving/engine.py", "serving/engine_process.py"
                ),
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )


def check(model: str, rows: list[dict[str, Any]]) -> list[str]:
    """The problems of serving the exported model, a sentence each.

    `rows` are raw features of held-out examples.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = model
        if "://" in model:
            path = f"{folder}/model"
            io_utils.copy_dir(model, path)
        assets = Path(path) / "assets.extra"
        serving = json.loads((assets / "serving.json").read_text())
        sample = json.loads((assets / "sample.json").read_text())
        held_out_instances = [{name: row.get(name) for name in serving["features"]} for row in rows]
        requests = [
            ("the sample", [sample], True),
            ("held-out rows", held_out_instances, True),
            *_hostile(sample, serving["features"]),
        ]
        batches = [instances for _, instances, _ in requests]
        answers, last_words = engine_process.ask(path, batches)
    problems = [
        p
        for (subject, instances, valid), answer in zip(requests, answers, strict=False)
        for p in _problems(subject, instances, valid, answer, serving["output_range"])
    ]
    if len(answers) < len(requests):
        problems.append(f"the engine died at {requests[len(answers)][0]}: {last_words}")
    scores = answers[1].get("predictions", []) if len(answers) > 1 else []
    if len(scores) > 1 and all(score == scores[0] for score in scores):
        problems.append(
            f"the model answers a constant, {scores[0]}, to {len(scores)} different held-out rows"
        )
    return problems


def _hostile(
    sample: dict[str, Any], features: dict[str, str]
) -> Iterator[tuple[str, list[Any], bool]]:
    """A client's odd requests, sent by mistake or on purpose.

    The last value says whether one must be answered; else it must be refused by name.
    """
    wrong_values = {"INT": "many", "FLOAT": "much", "BYTES": 7}
    extreme_values = {"INT": 2**62, "FLOAT": -3e38, "BYTES": "\u0000\U0001f695" * 500}
    zero_values = {"INT": 0, "FLOAT": 0, "BYTES": ""}
    yield "an empty instance", [{}], True
    yield "an instance of nulls", [dict.fromkeys(features)], True
    yield (
        "an instance of extremes",
        [{name: extreme_values[kind] for name, kind in features.items()}],
        True,
    )
    yield (
        "an instance of zeros and empty strings",
        [{name: zero_values[kind] for name, kind in features.items()}],
        True,
    )
    for name, kind in features.items():
        yield (
            f"the sample with a wrong type in {name}",
            [{**sample, name: wrong_values[kind]}],
            False,
        )
    yield "the sample with an unknown feature", [{**sample, "no such feature": 1}], False
    yield "a list for an instance", [[1, 2]], False
    yield "the sample again", [sample], True


def _problems(
    subject: str,
    instances: list[Any],
    valid: bool,
    answer: dict[str, Any],
    output_range: list[float],
) -> Iterator[str]:
    if not valid:
        if "error" not in answer:
            yield f"{subject} is answered with {answer['predictions']}, expected is a refusal"
        return
    if "error" in answer:
        yield f"{subject} is refused: {answer['error']}"
        return
    low, high = output_range
    if len(answer["predictions"]) != len(instances):
        yield f"{subject} has {len(instances)} instances and {len(answer['predictions'])} answers"
    for score in answer["predictions"]:
        finite = isinstance(score, int | float) and math.isfinite(score)
        if not finite or not low <= score <= high:
            yield (
                f"{subject} is answered with {score}, "
                f"expected is a finite number from {low} to {high}"
            )
            return


def _held_out_rows(folder: str) -> list[dict[str, Any]]:
    records = tf.data.TFRecordDataset(
        tf.io.gfile.glob(f"{folder}/*"), compression_type="GZIP"
    ).take(HELD_OUT_ROWS)
    return [_row(tf.train.Example.FromString(record)) for record in records.as_numpy_iterator()]


def _row(example: tf.train.Example) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, feature in example.features.feature.items():
        values = getattr(feature, feature.WhichOneof("kind") or "bytes_list").value
        value = values[0] if values else None
        row[name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return row
