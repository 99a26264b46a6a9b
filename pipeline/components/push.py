"""What both Pushers take: TFX's inputs, and the model's baseline to go along."""

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import json_utils

from pipeline.baseline import content
from pipeline.components import artifacts, model_manifest


class PusherSpec(standard_component_specs.PusherSpec):
    INPUTS = {
        **standard_component_specs.PusherSpec.INPUTS,
        "baseline": component_spec.ChannelParameter(type=artifacts.Baseline),
    }


class Pusher(base_component.BaseComponent):
    """TFX's own makes its specification itself, which knows of no baseline."""

    SPEC_CLASS = PusherSpec

    def __init__(self, config: dict[str, Any], **channels: types.BaseChannel) -> None:
        spec = PusherSpec(
            **channels,
            custom_config=json_utils.dumps(config),
            pushed_model=types.Channel(type=standard_artifacts.PushedModel),
        )
        super().__init__(spec)


def blessed_digest(input_dict: dict[str, list[types.Artifact]]) -> str | None:
    """The digest of the model that both judges blessed; raises RunError for another one's."""
    model = artifact_utils.get_single_instance(input_dict["model"])
    blessings = [*input_dict["model_blessing"], *input_dict["infra_blessing"]]
    return model_manifest.blessed(model, blessings)


def baseline_file(input_dict: dict[str, list[types.Artifact]]) -> str | None:
    """The address of the model's baseline; None where it could not be made."""
    artifact = artifact_utils.get_single_instance(input_dict["baseline"])
    if artifact.has_custom_property("problem"):
        return None
    return f"{artifact.uri}/{content.NAME}"
