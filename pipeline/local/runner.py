"""Runs a pipeline in this process, each node as soon as those before it are done."""

import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from tfx.dsl.compiler import compiler, constants
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import runtime_parameter_utils

from pipeline.job import startup, tfx_patches
from pipeline.local import artifact_check
from pipeline.progress import Observer


class NodeError(Exception):
    """A node failed; the message is its id, the cause its error."""


def run_here(
    pipeline: Pipeline,
    run_id: str,
    observer: Observer,
    problems: artifact_check.Problems,
    compared_with: str | None = None,
) -> None:
    """Run the nodes, those with known inputs from an earlier run's cache. Raises NodeError.

    An artifact that is no longer what was made goes into `problems` and is not used. The last
    blessed model is that of the pipeline `compared_with`, by default of this one.
    """
    definition = compiler.Compiler().compile(pipeline)
    if compared_with is not None:
        tfx_patches.resolve_in(definition, compared_with)
    runtime_parameter_utils.substitute_runtime_parameter(
        definition, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
    )
    nodes = _SideBySide(observer)
    side_by_side = tfx_patches.launched_by(nodes.start, nodes.executing)
    checked = tfx_patches.artifacts_checked(problems.of)
    with side_by_side, checked, startup.reduced_garbage_collection(), tfx_patches.beam():
        LocalDagRunner().run_with_ir(definition)
        nodes.wait()


class _SideBySide:
    """Makes LocalDagRunner start each node in a thread of its own.

    A node starts as soon as the nodes before it are done. Only executors run side by side: the
    metadata store is one SQLite file, and all else of a launch happens under a lock.
    """

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.metadata = threading.Lock()
        self.ended: dict[str, Future[None]] = {}

    @contextmanager
    def executing(self, folders: list[Path]) -> Iterator[None]:
        """Let the metadata store be used by others while an executor fills the folders."""
        self.metadata.release()
        try:
            with artifact_check.filled(folders):
                yield
        finally:
            self.metadata.acquire()

    def start(self, id_: str, upstream_ids: list[str], launch: Callable[[], object]) -> None:
        upstream = [
            self.ended[upstream_id] for upstream_id in upstream_ids if upstream_id in self.ended
        ]
        completion = self.ended[id_] = Future()

        def run() -> None:
            try:
                for future in upstream:
                    future.result()
                with self.metadata:
                    self.observer(id_, "running")
                    launch()
                self.observer(id_, "finished")
                completion.set_result(None)
            except BaseException as error:
                completion.set_exception(error)

        context = contextvars.copy_context()  # so that a node sees what the run holds ready for it
        # A daemon, so that Ctrl-C need not wait for it.
        threading.Thread(target=context.run, args=(run,), name=id_, daemon=True).start()

    def wait(self) -> None:
        """Wait until every node is done or can't be.

        Raises NodeError for the first that failed, from what it raised.
        """
        errors = {id_: future.exception() for id_, future in self.ended.items()}
        for id_, error in errors.items():
            if error is not None:
                raise NodeError(id_) from error
