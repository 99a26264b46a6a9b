"""Keeps what a model was trained on, in counts and limits, for the monitor of its requests.

It asks the model in this process: ServingCheck has asked it in another one before.
"""

import json
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.utils import io_utils, path_utils

from pipeline import manifest
from pipeline.baseline import content, times
from pipeline.baseline.compose import compose
from pipeline.components import artifacts, example_rows
from pipeline.components.asked_model import AskedModel, importances, on_this_machine
from pipeline.components.cache_key import PACKAGE, source_sha256
from pipeline.errors import RunError
from pipeline.model import slices
from pipeline.model.declaration import Declaration, Monitoring


class BaselineSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        "settings": component_spec.ExecutionParameter(type=str),
        "source_sha256": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "infra_blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing),
    }
    OUTPUTS = {"baseline": component_spec.ChannelParameter(type=artifacts.Baseline)}


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        artifact = artifact_utils.get_single_instance(output_dict["baseline"])
        infra_blessing = artifact_utils.get_single_instance(input_dict["infra_blessing"])
        if not model_utils.is_infra_validated(infra_blessing):
            artifact.set_string_custom_property("problem", "the model can't be served")
            return
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        model_folder = artifact_utils.get_single_uri(input_dict["model"])
        model = path_utils.serving_model_path(model_folder)
        settings = json.loads(exec_properties["settings"])
        try:
            baseline = make_baseline(settings, examples, model)
        except RunError as error:
            artifact.set_string_custom_property("problem", str(error))
            return
        _describe(artifact, baseline)
        encoded = content.encode(baseline)
        io_utils.write_bytes_file(f"{artifact.uri}/{content.NAME}", encoded)


def _describe(artifact: types.Artifact, baseline: content.Baseline) -> None:
    judged = [column for column in baseline.columns.values() if column.unjudged is None]
    artifact.set_int_custom_property("rows", baseline.reference.instances)
    artifact.set_int_custom_property("columns", len(judged))
    artifact.set_string_custom_property("digest", baseline.digest)


class Baseline(base_component.BaseComponent):
    """A baseline, or none and why as the property `problem`.

    A model whose baseline can't be made is published without: nobody then watches its requests.
    """

    SPEC_CLASS = BaselineSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        name: str,
        declaration: Declaration,
        columns: Mapping[str, str],
        served: Mapping[str, str],
    ) -> None:
        settings = _settings(name, declaration, columns, served)
        sources = _sources()
        spec = BaselineSpec(
            examples=examples,
            model=model,
            infra_blessing=infra_blessing,
            settings=json.dumps(settings, sort_keys=True),
            source_sha256=source_sha256(*sources),
            baseline=types.Channel(type=artifacts.Baseline),
        )
        super().__init__(spec)


def _settings(
    name: str, declaration: Declaration, columns: Mapping[str, str], served: Mapping[str, str]
) -> dict[str, Any]:
    """All that a baseline depends on beside the rows and the model."""
    monitoring = declaration.monitoring
    rows = dict(served)
    if monitoring.time_column:
        rows[monitoring.time_column] = columns[monitoring.time_column]
    parts, bounds = [], []
    for part in declaration.gate.slices:
        # A personal column's values are nobody's business, and no request has a label's.
        if part.feature in served and part.feature not in monitoring.personal:
            value = slices.text(part.value)
            parts.append({"column": part.feature, "value": value})
            bounds.append(part.lower_bound)
    return {
        "model": name,
        "monitoring": monitoring.model_dump(),
        "served": dict(served),
        "rows": rows,
        "label": declaration.label.name,
        "signature": declaration.serving.default_signature,
        "metric": declaration.gate.metric,
        "lower_bound": declaration.gate.lower_bound,
        "slices": parts,
        "slice_bounds": bounds,
    }


def _sources() -> list[str]:
    """All that decides what a baseline holds, by the paths in this package."""
    files = sorted(PACKAGE.glob("baseline/*.py"))
    return [
        *(f"baseline/{file.name}" for file in files),
        "components/artifacts.py",
        "components/asked_model.py",
        "components/baseline.py",
        "components/example_rows.py",
        "manifest.py",
        "model/slices.py",
        "serving/session.py",
    ]


def make_baseline(
    settings: dict[str, Any], examples: types.Artifact, model: str
) -> content.Baseline:
    """The baseline of the exported model; raises RunError where it can't be made."""
    monitoring = Monitoring(**settings["monitoring"])
    train_folder = artifact_utils.get_split_uri([examples], "train")
    rows = example_rows.read_table(train_folder, settings["rows"])
    row_times = None
    if monitoring.time_column:
        row_times = times.of_column(rows[monitoring.time_column])
    gate = content.Gate(
        metric=settings["metric"],
        lower_bound=settings["lower_bound"],
        slice_bounds=tuple(settings["slice_bounds"]),
    )
    labels = monitoring.labels
    return compose(
        rows,
        times=row_times,
        settings=monitoring,
        schema=settings["served"],
        slices=[content.Slice(**part) for part in settings["slices"]],
        model=settings["model"],
        gate=gate,
        labels_table=content.Labels(**labels.model_dump()) if labels else None,
        **_of_the_model(settings, examples, model),
    )


def _of_the_model(settings: dict[str, Any], examples: types.Artifact, model: str) -> dict[str, Any]:
    """Its digest, and its scores, labels and importances on the held-out rows."""
    eval_folder = artifact_utils.get_split_uri([examples], "eval")
    records = example_rows.read(eval_folder)
    if not records:
        raise RunError("there are no held-out rows")
    with on_this_machine(model) as folder:
        asked_model = AskedModel(folder, signature=settings["signature"], label=settings["label"])
        labels = asked_model.labels(records)
        return {
            "digest": manifest.of(folder).digest,
            "labels": labels,
            "scores": asked_model.scores(records),
            "importances": importances(
                asked_model,
                records,
                labels,
                types=settings["served"],
                metric=settings["metric"],
            ),
        }
