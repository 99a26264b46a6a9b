"""Trains in this process by TFX's generic executor.

It also refuses a label of one class, and makes the model travel whole: with its server's files, and
with the window of its rows.
"""

import json
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from tfx import types
from tfx.components.trainer import executor
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import io_utils, json_utils, path_utils
from tfx_bsl.tfxio import dataset_options

from pipeline.components import data_window, determinism, model_manifest
from pipeline.errors import DataError


class Executor(executor.GenericExecutor):
    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        arguments = self._GetFnArgs(input_dict, output_dict, exec_properties)
        _refuse_one_class(arguments)
        operations = arguments.custom_config["deterministic_operations"]
        with determinism.applied(operations):
            super().Do(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict["model"])
        model = path_utils.serving_model_dir(artifact.uri)
        ingested = artifact_utils.get_single_instance(input_dict["ingested"])
        assets = _assets(arguments, ingested)
        _write_assets(model, arguments.schema_path, assets)
        facts = {"run": self._run(artifact), **determinism.facts(operations)}
        _note(artifact, model_manifest.write(model), facts)

    def _run(self, model: types.Artifact) -> str:
        """The run that trains; in a container only the model's address tells."""
        if self._context and self._context.pipeline_run_id:
            return str(self._context.pipeline_run_id)
        *_, run, _, _ = str(model.uri).split("/")
        return run


class TrainerSpec(standard_component_specs.TrainerSpec):
    INPUTS = {
        **standard_component_specs.TrainerSpec.INPUTS,
        "ingested": component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }


class Trainer(base_component.BaseComponent):
    """Trains on the transformed `examples`.

    `ingested` are the examples before, whose window is noted inside the model.
    """

    SPEC_CLASS = TrainerSpec
    EXECUTOR_SPEC: executor_spec.ExecutorSpec = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, *, custom_config: dict[str, Any], **arguments: Any) -> None:
        spec = TrainerSpec(
            **arguments,
            custom_config=json_utils.dumps(custom_config),
            model=types.Channel(type=standard_artifacts.Model),
            model_run=types.Channel(type=standard_artifacts.ModelRun),
        )
        super().__init__(spec)


def _refuse_one_class(arguments: FnArgs) -> None:
    """Refuse a split of one class: no model learns from it, and no metric judges by it."""
    splits = {"train": arguments.train_files, "eval": arguments.eval_files}
    for split, files in splits.items():
        _check_classes(arguments, split, files)


def _check_classes(arguments: FnArgs, split: str, files: list[str]) -> None:
    label = arguments.custom_config["label"]
    transform_output = tft.TFTransformOutput(arguments.transform_graph_path)
    schema = transform_output.transformed_metadata.schema
    options = dataset_options.RecordBatchesOptions(batch_size=1024, num_epochs=1)
    batches = arguments.data_accessor.record_batch_factory(files, options, schema)
    classes: set[int] = set()
    for batch in batches:
        index = batch.schema.get_field_index(label)
        labels = batch.column(index).flatten()
        classes.update(labels.to_pylist())
        if len(classes) > 1:
            return
    class_names = [str(class_) for class_ in sorted(classes)]
    values = ", ".join(class_names)
    raise DataError(
        f"the label {label} is {values} in every row of {split}, allowed are rows of both classes"
    )


def _note(model: types.Artifact, digest: str, facts: dict[str, Any]) -> None:
    """Give the model its digest, and what trained it."""
    model.set_string_custom_property("digest", digest)
    model.set_string_custom_property("training", json.dumps(facts, sort_keys=True))


def _assets(arguments: FnArgs, ingested: types.Artifact) -> dict[str, Any]:
    """The content of each JSON file that travels with the model.

    Rows without times have no window to note.
    """
    assets: dict[str, Any] = arguments.custom_config["assets_extra"]
    window = data_window.read(ingested)
    if not window.get("last"):
        return assets
    return {**assets, data_window.FILE: window}


def _write_assets(model: str, schema: str, assets: dict[str, Any]) -> None:
    """Put the files inside the model.

    assets.extra is SavedModel's place for it.
    """
    folder = f"{model}/assets.extra"
    tf.io.gfile.makedirs(folder)
    io_utils.copy_file(schema, f"{folder}/schema.pbtxt", overwrite=True)
    for name, content in assets.items():
        text = json.dumps(content, indent=2, sort_keys=True)
        with tf.io.gfile.GFile(f"{folder}/{name}", "w") as file:
            file.write(f"{text}\n")
