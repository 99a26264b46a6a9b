"""Ways to run a pipeline: here, in this process, resuming from what an earlier run left; and compiled for Vertex Pipelines."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from tfx.dsl.compiler import compiler, constants
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import launcher, runtime_parameter_utils

from pipeline.dag import create_pipeline
from pipeline.errors import RunError
from pipeline.spec import PipelineSpec

Observer = Callable[[str, str], None]  # told a node's id and "running" or "finished"


def here(pipeline: Pipeline, run_id: str, observer: Observer) -> None:
    """Run in this process; nodes whose inputs an earlier run already had are taken from its cache. Raises what a node raises."""
    definition = compiler.Compiler().compile(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(definition, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    with _observed(observer):
        LocalDagRunner().run_with_ir(definition)


def compiled(spec: PipelineSpec, image: str) -> dict[str, Any]:
    """Vertex Pipelines' job (schema 2.1) whose every node runs in `image`."""
    from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

    config = KubeflowV2DagRunnerConfig(default_image=image, use_pipeline_spec_2_1=True)
    job: dict[str, Any] = KubeflowV2DagRunner(config).run(build(create_pipeline, spec), write_out=False)
    for executor in job["pipelineSpec"]["deploymentSpec"]["executors"].values():
        for query in executor.get("resolver", {}).get("outputArtifactQueries", {}).values():
            if "tfx.ModelBlessing" in query["filter"]:  # TFX asks for the last blessed model of the whole project
                query["filter"] += f' AND metadata.pipeline.string_value="{spec.name}"'
    return job


def build(create: Callable[[PipelineSpec], Pipeline], spec: PipelineSpec) -> Pipeline:
    """The pipeline, its modules named by their files: packed into wheels, the cache would key on whole folders."""
    os.environ["UNSUPPORTED_DO_NOT_PACKAGE_USER_MODULES"] = "1"
    return create(spec)


@contextlib.contextmanager
def alone(store: Path) -> Iterator[None]:
    """Keep a second process out of `store` while this one runs in it."""
    store.mkdir(parents=True, exist_ok=True)
    with open(store / ".lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise RunError(f"{store}: process {lock.read().strip() or 'unknown'} is running this model; wait for it, or end it") from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextlib.contextmanager
def _observed(observer: Observer) -> Iterator[None]:
    """LocalDagRunner has no hook, and Transform silences what it logs: the launcher that it makes for each node is the one seam."""

    class Launcher(launcher.Launcher):
        def launch(self) -> Any:
            node = self._pipeline_node.node_info.id
            observer(node, "running")
            result = super().launch()
            observer(node, "finished")
            return result

    with mock.patch.object(launcher, "Launcher", Launcher):
        yield
