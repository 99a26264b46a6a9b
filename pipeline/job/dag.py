"""The whole pipeline as one function of a PipelineSpec.

The spec's types decide what differs between here and the cloud.
"""

from typing import Any, NamedTuple

from tfx.components.bulk_inferrer.component import BulkInferrer
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.components.transform.component import Transform
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.common.importer import Importer
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import bulk_inferrer_pb2, trainer_pb2
from tfx.types import BaseChannel, Channel
from tfx.types.standard_artifacts import HyperParameters, Model, ModelBlessing

from pipeline.components.baseline import Baseline
from pipeline.components.cache_key import source_sha256
from pipeline.components.csv_example_gen import CsvExampleGen
from pipeline.components.evaluator import Evaluator
from pipeline.components.example_validator import ExampleValidator
from pipeline.components.newer_rows import Question
from pipeline.components.serving_check import ServingCheck
from pipeline.job import evaluation
from pipeline.spec import CsvSource, FolderDestination, PipelineSpec


def create_pipeline(spec: PipelineSpec) -> Pipeline:
    """Create the whole pipeline, from the source to a pushed model, an experiment's to its judges.

    1 ingest, 2 describe, 3 check, 4 transform, 5 tune or import, 6 train,
    7 try to serve, 8 compare with the last blessed, and count what it was trained on, 9 push.
    """
    ingest = _ingest(spec)
    examples, schema, transform_outputs = ingest.examples, ingest.schema, ingest.transformed
    if spec.tune:
        hyperparameter_source = _tuner(spec, transform_outputs, schema)
        hyperparameters = hyperparameter_source.outputs["best_hyperparameters"]
    else:
        hyperparameter_source = _imported_hyperparameters(spec)
        hyperparameters = hyperparameter_source.outputs["result"]
    trainer = _trainer(
        spec,
        ingested=examples,
        schema=schema,
        hyperparameters=hyperparameters,
        **transform_outputs,
    )
    model = trainer.outputs["model"]
    judges = _judges(spec, examples=examples, model=model)
    components = [*ingest.components, hyperparameter_source, trainer, *judges.components]
    if not spec.is_experiment:
        components.append(_pusher(spec, model=model, **judges.outputs))
    return _pipeline(spec, components)


def create_tuning_pipeline(spec: PipelineSpec) -> Pipeline:
    """The pipeline as far as the search for hyperparameters."""
    ingest = _ingest(spec)
    tuner = _tuner(spec, ingest.transformed, ingest.schema)
    return _pipeline(spec, [*ingest.components, tuner])


def create_prediction_pipeline(spec: PipelineSpec) -> Pipeline:
    """Answers for every row of the spec's source, by the last blessed model."""
    example_gen = _example_gen(spec)
    resolver = _last_blessed()
    signature = spec.declaration.serving.default_signature
    bulk_inferrer = BulkInferrer(
        examples=example_gen.outputs["examples"],
        model=resolver.outputs["model"],
        model_blessing=resolver.outputs["model_blessing"],
        data_spec=bulk_inferrer_pb2.DataSpec(),
        model_spec=bulk_inferrer_pb2.ModelSpec(model_signature_name=[signature]),
    )
    return _pipeline(spec, [example_gen, resolver, bulk_inferrer])


class _Ingest(NamedTuple):
    components: list[BaseComponent]
    examples: BaseChannel
    schema: BaseChannel
    transformed: dict[str, BaseChannel]


def _ingest(spec: PipelineSpec) -> _Ingest:
    """From the source to features: ingest, describe, check, transform."""
    example_gen = _example_gen(spec)
    examples = example_gen.outputs["examples"]
    statistics_gen = StatisticsGen(examples=examples)
    schema_gen = ImportSchemaGen(schema_file=spec.modules.schema)
    schema = schema_gen.outputs["schema"]
    validator = ExampleValidator(
        statistics=statistics_gen.outputs["statistics"],
        schema=schema,
        minimum_rows=spec.declaration.data.minimum_rows,
    )
    transform = Transform(
        examples=examples,
        schema=schema,
        module_file=spec.modules.preprocessing,
        disable_statistics=True,
        disable_analyzer_cache=True,
        # A parameter, so that a changed encoder transforms again.
        custom_config={"source_sha256": source_sha256("components/canonical_examples.py")},
    )
    # Without this edge Vertex would run both at once: they share no artifact.
    transform.add_upstream_node(validator)
    transform_outputs = {
        "examples": transform.outputs["transformed_examples"],
        "transform_graph": transform.outputs["transform_graph"],
    }
    return _Ingest(
        [example_gen, statistics_gen, schema_gen, validator, transform],
        examples,
        schema,
        transform_outputs,
    )


def _pipeline(spec: PipelineSpec, components: list[BaseComponent]) -> Pipeline:
    metadata_config = None
    if isinstance(spec.destination, FolderDestination):
        metadata_config = sqlite_metadata_connection_config(f"{spec.root}/metadata.db")
    return Pipeline(
        pipeline_name=spec.name,
        pipeline_root=spec.root,
        components=components,
        enable_cache=True,
        beam_pipeline_args=list(spec.beam_args),
        metadata_connection_config=metadata_config,
    )


def _example_gen(spec: PipelineSpec) -> BaseComponent:
    required = spec.declaration.data.required
    if isinstance(spec.source, CsvSource):
        return CsvExampleGen(spec.source, columns=spec.columns, required=required)
    # Only the cloud pays for importing its client.
    from pipeline.components.bigquery_example_gen import BigQueryExampleGen

    return BigQueryExampleGen(spec.source, required=required)


def _tuner(
    spec: PipelineSpec, transform_outputs: dict[str, BaseChannel], schema: BaseChannel
) -> BaseComponent:
    # It imports keras_tuner, which most runs do without.
    from tfx.components.tuner.component import Tuner

    tuning = spec.declaration.tuning
    config = {**_label_config(spec), "space": tuning.space, "trials": tuning.trials}
    return Tuner(
        module_file=spec.modules.model,
        schema=schema,
        train_args=trainer_pb2.TrainArgs(num_steps=tuning.steps),
        eval_args=trainer_pb2.EvalArgs(num_steps=tuning.eval_steps),
        custom_config=config,
        **transform_outputs,
    )


def _imported_hyperparameters(spec: PipelineSpec) -> Importer:
    folder, _, _ = spec.modules.hyperparameters.rpartition("/")
    _, _, sha256 = folder.rpartition("/")
    importer = Importer(
        source_uri=folder, artifact_type=HyperParameters, custom_properties={"sha256": sha256}
    )
    return importer.with_id("Hyperparameters")


def _trainer(spec: PipelineSpec, **channels: BaseChannel) -> BaseComponent:
    training = spec.declaration.training
    config = {
        **_label_config(spec),
        "assets_extra": _assets_extra(spec),
        "deterministic_operations": training.deterministic_operations,
        "source_sha256": source_sha256(
            "components/trainer.py",
            "components/data_window.py",
            "components/determinism.py",
            "components/flags.py",
            "components/model_manifest.py",
            "manifest.py",
        ),
    }
    if spec.training is None:
        from pipeline.components.trainer import Trainer
    else:
        from pipeline.components import vertex_trainer
        from pipeline.components.vertex_trainer import Trainer  # type: ignore[assignment]

        config |= vertex_trainer.custom_config(spec.training)
    return Trainer(
        module_file=spec.modules.model,
        train_args=trainer_pb2.TrainArgs(num_steps=training.steps),
        eval_args=trainer_pb2.EvalArgs(num_steps=training.eval_steps),
        custom_config=config,
        **channels,
    )


class _Judges(NamedTuple):
    components: list[BaseComponent]
    outputs: dict[str, BaseChannel]  # for the Pusher


def _judges(spec: PipelineSpec, *, examples: BaseChannel, model: BaseChannel) -> _Judges:
    """What tries the model before it is pushed, and what goes along with it."""
    resolver = _last_blessed()
    serving_check = ServingCheck(model=model, examples=examples)
    inputs = {
        "examples": examples,
        "model": model,
        # Not side by side: the last blessed model is the Evaluator's word alone, and Baseline asks
        # the model in its own process, which one that can't be served might end.
        "infra_blessing": serving_check.outputs["blessing"],
    }
    evaluator = _evaluator(spec, **inputs, baseline_model=resolver.outputs["model"])
    baseline = _baseline(spec, **inputs)
    outputs = {
        "model_blessing": evaluator.outputs["blessing"],
        "infra_blessing": serving_check.outputs["blessing"],
        "baseline": baseline.outputs["baseline"],
    }
    return _Judges([resolver, serving_check, evaluator, baseline], outputs)


def _last_blessed() -> Resolver:
    channels = {"model": Channel(type=Model), "model_blessing": Channel(type=ModelBlessing)}
    resolver = Resolver(strategy_class=LatestBlessedModelStrategy, **channels)
    return resolver.with_id("LastBlessed")


def _evaluator(spec: PipelineSpec, **channels: BaseChannel) -> Evaluator:
    declaration = spec.declaration
    config = evaluation.eval_config(
        declaration.gate,
        label=declaration.label.name,
        signature=declaration.serving.default_signature,
    )
    question = None
    if time_column := spec.source.time_column:
        question = Question(
            metric=declaration.gate.metric,
            label=declaration.label.name,
            signature=declaration.serving.default_signature,
            time_column=time_column,
            time_type=spec.columns[time_column],
        )
    return Evaluator(**channels, eval_config=config, pipeline=spec.name, question=question)


def _baseline(spec: PipelineSpec, **channels: BaseChannel) -> Baseline:
    return Baseline(
        **channels,
        name=spec.model,
        declaration=spec.declaration,
        columns=spec.columns,
        served=spec.served,
    )


def _pusher(spec: PipelineSpec, **channels: BaseChannel) -> BaseComponent:
    if isinstance(spec.destination, FolderDestination):
        from pipeline.components.pusher import Pusher

        return Pusher(spec.destination, **channels)
    from pipeline.components import vertex_pusher

    return vertex_pusher.Pusher(spec.destination, **channels)


def _label_config(spec: PipelineSpec) -> dict[str, Any]:
    never_served = set(spec.columns) - set(spec.served)
    return {"label": spec.declaration.label.name, "never_served": sorted(never_served)}


def _assets_extra(spec: PipelineSpec) -> dict[str, Any]:
    serving = {
        "model": spec.model,
        "default_signature": spec.declaration.serving.default_signature,
        "features": spec.served,
        # Every metric of the gate is one of a binary classifier: its score is a probability.
        "output_range": [0, 1],
    }
    return {"serving.json": serving, "sample.json": spec.declaration.serving.sample}
