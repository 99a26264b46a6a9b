"""Compares the candidate with the bar and with the last blessed model: the stock executor, which here never judges a model against itself."""

import hashlib
from typing import Any

import tensorflow_model_analysis as tfma
from tfx import types
from tfx.components.evaluator import constants, executor
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import io_utils, json_utils

from pipeline.components import extractors
from pipeline.components.source import source_sha256


class EvaluatorSpec(standard_component_specs.EvaluatorSpec):
    PARAMETERS = {
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        "pipeline": component_spec.ExecutionParameter(type=str),
        "source_sha256": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        **standard_component_specs.EvaluatorSpec.INPUTS,
        "baseline_blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
    }


class Executor(executor.Executor):
    def Do(self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]) -> None:
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        evaluation = artifact_utils.get_single_uri(output_dict["evaluation"])
        blessing.set_string_custom_property("pipeline", exec_properties["pipeline"])
        examined = _examined(input_dict, exec_properties)
        if _is_baseline(input_dict):
            earlier = input_dict["baseline_blessing"][0] if input_dict.get("baseline_blessing") else None
            input_dict = {key: value for key, value in input_dict.items() if key != "baseline_model"}
            if earlier is not None and earlier.get_string_custom_property("examined") == examined:
                _repeat(earlier, blessing, input_dict, evaluation)
                return
        super().Do(input_dict, output_dict, exec_properties)
        blessing.set_string_custom_property("examined", examined)
        blessing.set_string_custom_property("evaluation_uri", evaluation)


class Evaluator(base_beam_component.BaseBeamComponent):
    """The blessing carries `pipeline`, so that in a metadata store of many models each finds its own last blessed one."""

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        baseline_model: types.BaseChannel,
        baseline_blessing: types.BaseChannel,
        eval_config: tfma.EvalConfig,
        pipeline: str,
    ) -> None:
        super().__init__(
            EvaluatorSpec(
                examples=examples,
                model=model,
                baseline_model=baseline_model,
                baseline_blessing=baseline_blessing,
                eval_config=eval_config,
                example_splits=json_utils.dumps(["eval"]),
                fairness_indicator_thresholds="null",
                module_path=extractors.__name__,
                pipeline=pipeline,
                source_sha256=source_sha256("components/evaluator.py", "components/extractors.py"),
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )


def _is_baseline(input_dict: dict[str, Any]) -> bool:
    baseline = input_dict.get("baseline_model") or []
    return any(model.uri == artifact_utils.get_single_uri(input_dict["model"]) for model in baseline)


def _examined(input_dict: dict[str, Any], exec_properties: dict[str, Any]) -> str:
    """What a verdict rests on beside the model: the rows, the bar and the code that compares."""
    rests_on = (artifact_utils.get_single_uri(input_dict["examples"]), exec_properties["eval_config"], exec_properties["source_sha256"])
    return hashlib.sha256("\n".join(rests_on).encode()).hexdigest()


def _repeat(earlier: types.Artifact, blessing: types.Artifact, input_dict: dict[str, Any], evaluation: str) -> None:
    """Give the same model, over the same rows and bar, the verdict that it has: it was blessed, or the resolver had not found it."""
    io_utils.copy_dir(earlier.get_string_custom_property("evaluation_uri"), evaluation)
    io_utils.write_string_file(f"{blessing.uri}/{constants.BLESSED_FILE_NAME}", "")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.BLESSED_VALUE)
    blessing.set_string_custom_property(
        constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, artifact_utils.get_single_uri(input_dict["model"])
    )
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, input_dict["model"][0].id)
    for name in ("examined", "evaluation_uri"):
        blessing.set_string_custom_property(name, earlier.get_string_custom_property(name))
