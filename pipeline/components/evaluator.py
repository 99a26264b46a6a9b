"""Compares the candidate with the bar and with the last blessed model.

The stock executor here never judges a model against itself, and never blesses one that cannot be
served: what it blesses is the next candidate's bar.
"""

from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import constants, executor
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import io_utils, json_utils

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
        infra_blessing = artifact_utils.get_single_instance(input_dict["infra_blessing"])
        if not model_utils.is_infra_validated(infra_blessing):
            _refuse(blessing)


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
    infra_blessing no model is blessed.
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
    ) -> None:
        sources = ("components/evaluator.py", "components/extractors.py", "model/slices.py")
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
            source_sha256=source_sha256(*sources),
            evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        super().__init__(spec)
