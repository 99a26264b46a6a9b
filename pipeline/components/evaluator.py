"""Compares the candidate with the bar and with the last blessed model.

The stock executor here never judges a model against itself, and never blesses one that cannot be
served, or that loses to the last blessed on rows newer than that one's: what it blesses is the next
candidate's bar.
"""

import json
from dataclasses import asdict
from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import constants, executor
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import io_utils, json_utils

from pipeline.components import extractors, model_manifest, newer_rows
from pipeline.components.cache_key import source_sha256
from pipeline.errors import RunError
from pipeline.job import tfx_patches


class EvaluatorSpec(standard_component_specs.EvaluatorSpec):
    PARAMETERS = {
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        "pipeline": component_spec.ExecutionParameter(type=str),
        "newer_rows": component_spec.ExecutionParameter(type=str),
        "source_sha256": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        **standard_component_specs.EvaluatorSpec.INPUTS,
        "infra_blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing),
    }


class Executor(executor.Executor):
    def Do(
        self,
        input_dict: dict[str, Any],
        output_dict: dict[str, Any],
        exec_properties: dict[str, Any],
    ) -> None:
        last_blessed = _last_blessed(input_dict)
        if last_blessed is None:
            input_dict = dict(input_dict)
            input_dict.pop("baseline_model", None)
        model = artifact_utils.get_single_instance(input_dict["model"])
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        try:
            with model_manifest.judged(model, blessing):
                super().Do(input_dict, output_dict, exec_properties)
        except RunError as error:
            raise RunError(tfx_patches.message_without_place(error)) from error
        blessing.set_string_custom_property("pipeline", exec_properties["pipeline"])
        infra_blessing = artifact_utils.get_single_instance(input_dict["infra_blessing"])
        if not model_utils.is_infra_validated(infra_blessing):
            _refuse(blessing)
        elif last_blessed and exec_properties["newer_rows"]:
            question = newer_rows.Question.decode(exec_properties["newer_rows"])
            comparison = _compared(question, input_dict, last_blessed)
            text = json.dumps(asdict(comparison))
            blessing.set_string_custom_property("newer_rows", text)
            if comparison.loses:
                _refuse(blessing)


def _last_blessed(input_dict: dict[str, Any]) -> str | None:
    """The address of the last blessed model, None where it is the candidate or there is none."""
    candidate = artifact_utils.get_single_uri(input_dict["model"])
    baselines = input_dict.get("baseline_model") or []
    for baseline in baselines:
        if baseline.uri != candidate:
            address: str = baseline.uri
            return address
    return None


def _compared(
    question: newer_rows.Question, input_dict: dict[str, Any], last_blessed: str
) -> newer_rows.Comparison:
    candidate = artifact_utils.get_single_uri(input_dict["model"])
    held_out_rows = artifact_utils.get_split_uri(input_dict["examples"], "eval")
    return newer_rows.compare(question, held_out_rows, candidate, last_blessed)


def _refuse(blessing: types.Artifact) -> None:
    """Make the blessing a refusal, whatever the bounds say."""
    blessed_file = f"{blessing.uri}/{constants.BLESSED_FILE_NAME}"
    if fileio.exists(blessed_file):
        fileio.remove(blessed_file)
    io_utils.write_string_file(f"{blessing.uri}/{constants.NOT_BLESSED_FILE_NAME}", "")
    blessing.set_int_custom_property(
        constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.NOT_BLESSED_VALUE
    )


class Evaluator(base_beam_component.BaseBeamComponent):
    """Evaluates, and marks the blessing with `pipeline`.

    Thus in a metadata store of many models each finds its own last blessed one. Without the
    infra_blessing no model is blessed. The `question`, None without a time column, is answered in
    the blessing's property `newer_rows`.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        baseline_model: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        eval_config: config_pb2.EvalConfig,
        pipeline: str,
        question: newer_rows.Question | None,
    ) -> None:
        sources = (
            "baseline/times.py",
            "components/asked_model.py",
            "components/data_window.py",
            "components/evaluator.py",
            "components/example_rows.py",
            "components/extractors.py",
            "components/model_manifest.py",
            "components/newer_rows.py",
            "components/paired_difference.py",
            "model/slices.py",
            "serving/session.py",
        )
        spec = EvaluatorSpec(
            examples=examples,
            model=model,
            baseline_model=baseline_model,
            infra_blessing=infra_blessing,
            eval_config=eval_config,
            example_splits=json_utils.dumps(["eval"]),
            fairness_indicator_thresholds="null",
            module_path=extractors.__name__,
            pipeline=pipeline,
            newer_rows=question.encode() if question else "",
            source_sha256=source_sha256(*sources),
            evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        super().__init__(spec)
