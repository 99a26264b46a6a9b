"""Trains in this process by TFX's generic executor.

It also refuses a label of one class, and makes the model travel whole.
"""

import json
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer import component, executor
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils
from tfx_bsl.tfxio import dataset_options

from pipeline.errors import DataError


class Executor(executor.GenericExecutor):
    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        arguments = self._GetFnArgs(input_dict, output_dict, exec_properties)
        _refuse_one_class(arguments)
        super().Do(input_dict, output_dict, exec_properties)
        model_folder = artifact_utils.get_single_uri(output_dict["model"])
        model = path_utils.serving_model_dir(model_folder)
        _write_assets(model, arguments)


class Trainer(component.Trainer):
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


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


def _write_assets(model: str, arguments: FnArgs) -> None:
    """Put the server's files inside the model.

    assets.extra is SavedModel's place for it.
    """
    folder = f"{model}/assets.extra"
    tf.io.gfile.makedirs(folder)
    io_utils.copy_file(arguments.schema_path, f"{folder}/schema.pbtxt", overwrite=True)
    for name, content in arguments.custom_config["assets_extra"].items():
        text = json.dumps(content, indent=2, sort_keys=True)
        with tf.io.gfile.GFile(f"{folder}/{name}", "w") as file:
            file.write(f"{text}\n")
