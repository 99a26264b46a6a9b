"""Ways to run a pipeline: here, in this process, resuming from what an earlier run left; and compiled for Vertex Pipelines."""

import contextvars
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any
from unittest import mock

from tfx.dsl.compiler import compiler, constants
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import launcher, runtime_parameter_utils

from pipeline import container, libraries
from pipeline.dag import create_pipeline
from pipeline.progress import Observer
from pipeline.spec import PipelineSpec


class NodeError(Exception):
    """The node of this id raised; its cause is what."""


def here(pipeline: Pipeline, run_id: str, observer: Observer) -> None:
    """Run in this process; nodes whose inputs an earlier run already had are taken from its cache. Raises NodeError."""
    definition = compiler.Compiler().compile(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(definition, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    nodes = _SideBySide(observer)
    with mock.patch.object(launcher, "Launcher", nodes.launcher_class()), libraries.spared_work():
        LocalDagRunner().run_with_ir(definition)
        nodes.wait()


def compiled(spec: PipelineSpec, image: str) -> dict[str, Any]:
    """Vertex Pipelines' job (schema 2.1) whose every node runs in `image`."""
    from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

    config = KubeflowV2DagRunnerConfig(default_image=image, default_commands=container.COMMAND, use_pipeline_spec_2_1=True)
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


class _SideBySide:
    """Gives LocalDagRunner launchers that start each node in a thread of its own, as soon as the nodes before it are done.

    Only executors run side by side: the metadata store is one SQLite file, and all else of a launch happens under a lock.
    """

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.metadata = threading.Lock()
        self.ended: dict[str, Future[None]] = {}

    def launcher_class(self) -> type[launcher.Launcher]:
        nodes = self

        class Launcher(launcher.Launcher):
            def launch(self) -> None:
                node = self._pipeline_node
                before = [nodes.ended[id_] for id_ in node.upstream_nodes if id_ in nodes.ended]
                nodes.start(node.node_info.id, before, super().launch)

            def _run_executor(self, execution_info: Any) -> Any:
                nodes.metadata.release()
                try:
                    return super()._run_executor(execution_info)
                finally:
                    nodes.metadata.acquire()

        return Launcher

    def start(self, id_: str, before: list[Future[None]], launch: Callable[[], Any]) -> None:
        ended = self.ended[id_] = Future()

        def run() -> None:
            try:
                for future in before:
                    future.result()
                with self.metadata:
                    self.observer(id_, "running")
                    launch()
                self.observer(id_, "finished")
                ended.set_result(None)
            except BaseException as error:
                ended.set_exception(error)

        here = contextvars.copy_context()  # so that a node sees what the run holds ready for it
        threading.Thread(target=here.run, args=(run,), name=id_, daemon=True).start()  # a daemon, so that Ctrl-C need not wait for it

    def wait(self) -> None:
        """Until every node is done or can't be; raises NodeError for the first that failed, from what it raised."""
        errors = {id_: future.exception() for id_, future in self.ended.items()}
        for id_, error in errors.items():
            if error is not None:
                raise NodeError(id_) from error
