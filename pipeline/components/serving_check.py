"""Tries to serve the model before it is published: our engine in a fresh process, asked with the sample, held-out rows and hostile requests."""

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

HELD_OUT_ROWS = (
    64  # enough that a model which answers them all alike is one that answers a constant
)


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
        io_utils.write_string_file(
            f"{blessing.uri}/{'INFRA_NOT_BLESSED' if problems else 'INFRA_BLESSED'}",
            "\n".join(problems),
        )


class ServingCheck(base_component.BaseComponent):
    """An InfraBlessing, with what was wrong as the property `problems` (a JSON list of sentences)."""

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
    """What keeps the exported model from being served, a sentence each; `rows` are raw features of held-out examples."""
    with tempfile.TemporaryDirectory() as folder:
        local = model
        if "://" in model:
            local = f"{folder}/model"
            io_utils.copy_dir(model, local)
        extra = Path(local) / "assets.extra"
        serving, sample = (
            json.loads((extra / f"{name}.json").read_text()) for name in ("serving", "sample")
        )
        served = [{name: row.get(name) for name in serving["features"]} for row in rows]
        requests = [
            ("the sample", [sample], True),
            ("held-out rows", served, True),
            *_hostile(sample, serving["features"]),
        ]
        answers, died = engine_process.ask(local, [instances for _, instances, _ in requests])
    problems = [
        p
        for (what, sent, valid), answer in zip(requests, answers, strict=False)
        for p in _problems(what, sent, valid, answer, serving["output_range"])
    ]
    if len(answers) < len(requests):
        problems.append(f"the engine died at {requests[len(answers)][0]}: {died}")
    scores = answers[1].get("predictions", []) if len(answers) > 1 else []
    if len(scores) > 1 and all(score == scores[0] for score in scores):
        problems.append(
            f"the model answers a constant, {scores[0]}, to {len(scores)} different held-out rows"
        )
    return problems


def _hostile(
    sample: dict[str, Any], features: dict[str, str]
) -> Iterator[tuple[str, list[Any], bool]]:
    """What a client may send by mistake or on purpose, and whether it must be answered (else: refused by name)."""
    wrong = {"INT": "many", "FLOAT": "much", "BYTES": 7}
    extreme = {"INT": 2**62, "FLOAT": -3e38, "BYTES": "\u0000\U0001f695" * 500}
    yield "an empty instance", [{}], True
    yield "an instance of nulls", [dict.fromkeys(features)], True
    yield (
        "an instance of extremes",
        [{name: extreme[kind] for name, kind in features.items()}],
        True,
    )
    yield (
        "an instance of zeros and empty strings",
        [{name: "" if kind == "BYTES" else 0 for name, kind in features.items()}],
        True,
    )
    for name, kind in features.items():
        yield f"the sample with a wrong type in {name}", [{**sample, name: wrong[kind]}], False
    yield "the sample with an unknown feature", [{**sample, "no such feature": 1}], False
    yield "a list for an instance", [[1, 2]], False
    yield "the sample again", [sample], True


def _problems(
    what: str, sent: list[Any], valid: bool, answer: dict[str, Any], output_range: list[float]
) -> Iterator[str]:
    if not valid:
        if "error" not in answer:
            yield f"{what} is answered with {answer['predictions']}, expected is a refusal"
        return
    if "error" in answer:
        yield f"{what} is refused: {answer['error']}"
        return
    low, high = output_range
    if len(answer["predictions"]) != len(sent):
        yield f"{what} has {len(sent)} instances and {len(answer['predictions'])} answers"
    for score in answer["predictions"]:
        if (
            not isinstance(score, int | float)
            or not math.isfinite(score)
            or not low <= score <= high
        ):
            yield f"{what} is answered with {score}, expected is a finite number from {low} to {high}"
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
        row[name] = (
            (values[0].decode("utf-8", "replace") if isinstance(values[0], bytes) else values[0])
            if values
            else None
        )
    return row
