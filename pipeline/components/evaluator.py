"""Compares the candidate with the bar and with the last blessed model.

The stock executor here never judges a model against itself.
"""

from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import executor
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import json_utils

from pipeline.components import extractors
from pipeline.components.cache_key import source_sha256
from pipeline.errors import RunError
from pipeline.job import tfx_patches


class EvaluatorSpec(standard_component_specs.EvaluatorSpec):
    PARAMETERS = {
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        "pipeline": component_spec.ExecutionParameter(type=str),
        "source_sha256": component_spec.ExecutionParameter(type=str),
    }


class Executor(executor.Executor):
    def Do(
        self,
        input_dict: dict[str, Any],
        output_dict: dict[str, Any],
        exec_properties: dict[str, Any],
    ) -> None:
        candidate = artifact_utils.get_single_uri(input_dict["model"])
        baselines = input_dict.get("baseline_model") or []
        if any(baseline.uri == candidate for baseline in baselines):
            input_dict = dict(input_dict)
            del input_dict["baseline_model"]
        try:
            super().Do(input_dict, output_dict, exec_properties)
        except RunError as error:
            raise RunError(tfx_patches.message_without_place(error)) from error
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        blessing.set_string_custom_property("pipeline", exec_properties["pipeline"])


class Evaluator(base_beam_component.BaseBeamComponent):
    """Evaluates, and marks the blessing with `pipeline`.

    Thus in a metadata store of many models each finds its own last blessed one.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        baseline_model: types.BaseChannel,
        eval_config: config_pb2.EvalConfig,
        pipeline: str,
    ) -> None:
        sources = ("components/evaluator.py", "components/extractors.py")
        spec = EvaluatorSpec(
            examples=examples,
            model=model,
            baseline_model=baseline_model,
            eval_config=eval_config,
            example_splits=json_utils.dumps(["eval"]),
            fairness_indicator_thresholds="null",
            module_path=extractors.__name__,
            pipeline=pipeline,
            source_sha256=source_sha256(*sources),
            evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        super().__init__(spec)
