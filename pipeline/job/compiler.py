"""Compiles a spec to TFX's pipeline, and the pipeline to Vertex Pipelines' job."""

from collections.abc import Callable
from typing import Any

from tfx.orchestration.pipeline import Pipeline

from pipeline.components import table_times
from pipeline.job import entrypoint, tfx_patches
from pipeline.job.dag import create_pipeline
from pipeline.spec import BigQuerySource, PipelineSpec


def build(create: Callable[[PipelineSpec], Pipeline], spec: PipelineSpec) -> Pipeline:
    """The pipeline of a spec, as `create` makes it."""
    tfx_patches.name_modules_by_file()
    return create(spec)


def compiled(spec: PipelineSpec, image: str) -> dict[str, Any]:
    """Vertex Pipelines' job (schema 2.1), with every node in `image`."""
    from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
        KubeflowV2DagRunner,
        KubeflowV2DagRunnerConfig,
    )

    config = KubeflowV2DagRunnerConfig(
        default_image=image,
        default_commands=entrypoint.COMMAND,
        use_pipeline_spec_2_1=True,
    )
    pipeline = build(create_pipeline, spec)
    runner = KubeflowV2DagRunner(config)
    job: dict[str, Any] = runner.run(pipeline, write_out=False)
    tfx_patches.ask_for_own_blessing(job, spec.compared_with)
    if isinstance(spec.source, BigQuerySource):
        tfx_patches.call_before_cache(
            job, "BigQueryExampleGen", table_times.COMMAND, table_times.ARGUMENTS
        )
    return job
