"""Our patches of TFX and Beam, each with the condition of its removal.

Read this file before upgrading one of them; tests/pipeline/job/test_tfx_patches.py fails where
upstream has changed.
"""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest import mock


@contextlib.contextmanager
def beam() -> Iterator[None]:
    """Beam in this process, by FnApiRunner: the same rows make the same bytes each time."""
    with fn_api_runner(), batches_of_one_size(), dofn_specs_read_once(), canonical_examples():
        yield


@contextlib.contextmanager
def fn_api_runner() -> Iterator[None]:
    """Have Beam's DirectRunner take FnApiRunner outright.

    It first tries PrismRunner, a program that it downloads, and falls back in silence where it
    can't: a machine with a network would run another engine than one without. An argument of Beam's
    would name the runner, too, but any argument makes TFX pack its own source. Remove it when Beam
    reads its runner from elsewhere, or DirectRunner downloads nothing.
    """
    from apache_beam.portability.api import beam_provision_api_pb2
    from apache_beam.runners.direct import direct_runner
    from apache_beam.runners.portability.fn_api_runner import fn_runner
    from apache_beam.runners.portability.portable_runner import JobServiceHandle

    def run_pipeline(_: Any, pipeline: Any, options: Any) -> Any:
        all_options = options.get_all_options()
        encoded_options = JobServiceHandle.encode_pipeline_options(all_options)
        provision = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded_options)
        extended_provision = fn_runner.ExtendedProvisionInfo(provision)
        runner = fn_runner.FnApiRunner(provision_info=extended_provision)
        return runner.run_pipeline(pipeline, options)

    with mock.patch.object(direct_runner.SwitchingDirectRunner, "run_pipeline", run_pipeline):
        yield


@contextlib.contextmanager
def batches_of_one_size() -> Iterator[None]:
    """Have TFX's libraries read rows in batches of a thousand.

    Beam tunes the size by the time that a batch takes, and sums of floating-point numbers depend on
    it: a mean, and all that is scaled by it, would differ from run to run. Remove it when TFX's
    Transform and StatisticsGen let their batch size be set.
    """
    from tfx_bsl.coders import batch_util

    read = batch_util.GetBatchElementsKwargs
    size = batch_util._BATCH_SIZE_CAP

    def fixed(batch_size: int | None, *arguments: Any) -> dict[str, Any]:
        options: dict[str, Any] = read(size if batch_size is None else batch_size, *arguments)
        return options

    with mock.patch.object(batch_util, "GetBatchElementsKwargs", fixed):
        yield


@contextlib.contextmanager
def canonical_examples() -> Iterator[None]:
    """Have Transform write a row's features in the order of their names.

    Remove it when tfx_bsl's encoder orders them.
    """
    from tfx.components.transform import executor

    from pipeline.components.canonical_examples import RecordBatchToExamplesFn

    name = RecordBatchToExamplesFn.__base__.__name__
    with mock.patch.object(executor.TransformProcessor, name, RecordBatchToExamplesFn):
        yield


@contextlib.contextmanager
def dofn_specs_read_once() -> Iterator[None]:
    """Keep Beam from reading each DoFn's signatures seven times, 15 % of a run.

    Remove it when userstate.get_dofn_specs remembers what it read.
    """
    from apache_beam.transforms import userstate

    read = userstate.get_dofn_specs
    specs: dict[int, tuple[Any, Any]] = {}

    def get_dofn_specs(do_fn: Any) -> Any:
        key = id(do_fn)
        if key not in specs:
            specs[key] = (do_fn, read(do_fn))  # the DoFn, too, or another could take its id
        _, do_fn_specs = specs[key]
        return do_fn_specs

    with mock.patch.object(userstate, "get_dofn_specs", get_dofn_specs):
        yield


@contextlib.contextmanager
def launched_by(
    start: Callable[[str, list[str], Callable[[], object]], None],
    executing: Callable[[list[Path]], AbstractContextManager[None]],
) -> Iterator[None]:
    """Have LocalDagRunner hand each node to `start`, and run its executor inside `executing`.

    `start` gets the node's id, the ids of the nodes before it, and the call that launches it,
    `executing` the folders that the executor fills.
    Remove it when LocalDagRunner takes a launcher, or runs independent nodes side by side.
    """
    from tfx.orchestration.portable import launcher

    class Launcher(launcher.Launcher):
        def launch(self) -> None:
            node = self._pipeline_node
            start(node.node_info.id, list(node.upstream_nodes), super().launch)

        def _run_executor(self, execution_info: Any) -> Any:
            artifacts = itertools.chain.from_iterable(execution_info.output_dict.values())
            folders = [Path(artifact.uri) for artifact in artifacts]
            with executing(folders):
                return super()._run_executor(execution_info)

    with mock.patch.object(launcher, "Launcher", Launcher):
        yield


@contextlib.contextmanager
def artifacts_checked(problem: Callable[[Path], str | None]) -> Iterator[None]:
    """Have TFX's cache and its resolver pass over artifacts with a `problem`.

    TFX trusts its record: the cache looks whether a folder is there, the resolver at nothing.
    Remove it when TFX checks what an artifact holds.
    """
    from tfx.dsl.input_resolution.strategies import latest_blessed_model_strategy
    from tfx.types import artifact_utils

    strategy = latest_blessed_model_strategy.LatestBlessedModelStrategy
    verify = artifact_utils.verify_artifacts
    resolve = strategy._resolve

    def verify_artifacts(artifacts: Any) -> None:
        verify(artifacts)
        for artifact in itertools.chain.from_iterable(artifacts.values()):
            if reason := problem(Path(artifact.uri)):
                raise RuntimeError(reason)  # as `verify` does: the cache then tries another

    def resolve_whole(self: Any, artifacts: Any, model_key: str, blessing_key: str) -> Any:
        whole_models = list(artifacts[model_key])
        while True:
            # A list of its own: TFX sorts it.
            candidates = {**artifacts, model_key: list(whole_models)}
            resolved = resolve(self, candidates, model_key, blessing_key)
            damaged = [model for model in resolved[model_key] if problem(Path(model.uri))]
            if not damaged:
                return resolved
            whole_models = [model for model in whole_models if model not in damaged]

    with (
        mock.patch.object(artifact_utils, "verify_artifacts", verify_artifacts),
        mock.patch.object(strategy, "_resolve", resolve_whole),
    ):
        yield


def executes(executor_class: type) -> Callable[[type], type]:
    """Have the decorated executor of Vertex's custom job run `executor_class` inside that job.

    Remove it when TFX's GenericExecutor takes the class as an argument.
    """

    def decorate(generic_executor: type) -> type:
        generic_executor._GetExecutorClass = lambda _: executor_class  # type: ignore[attr-defined]
        return generic_executor

    return decorate


def message_without_place(error: Exception) -> str:
    """Return an error's message without the place in Beam's graph, which Beam adds.

    Remove it when Beam keeps the place apart from the message.
    """
    message, _, _ = str(error).partition(" [while running")
    return message


def run_container() -> None:
    """Run TFX's entrypoint of a container, by the arguments of this process.

    TFX counts the program's name among Beam's arguments, of which any makes each Beam node pack
    TFX's source. Remove it when TFX parses its arguments without the program's name.
    """
    from absl import app
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    parse = kubeflow_v2_run_executor._parse_flags
    app.run(kubeflow_v2_run_executor.main, flags_parser=lambda argv: parse(argv[1:]))


def name_artifact_types() -> None:
    """Have TFX find the classes of our artifact types by the titles in a compiled job.

    It imports a title as MODULE.CLASS, and allows no package before the module. Remove it when it
    does.
    """
    from tfx.orchestration.kubeflow.v2 import compiler_utils

    from pipeline.components import artifacts

    path = f"{artifacts.__name__}.{artifacts.Baseline.__name__}"
    compiler_utils.TITLE_TO_CLASS_PATH[artifacts.Baseline.TYPE_NAME] = path


def name_modules_by_file() -> None:
    """Have TFX name modules by their files.

    Its cache would otherwise key on the folder that it packs. Remove it when TFX has an argument
    for it.
    """
    os.environ["UNSUPPORTED_DO_NOT_PACKAGE_USER_MODULES"] = "1"


def ask_for_own_blessing(job: dict[str, Any], pipeline: str) -> None:
    """Have the job's resolver ask for the last blessed model of this pipeline.

    TFX asks for that of the whole project. Remove it when the compiled query names the pipeline.
    """
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    for executor in executors.values():
        resolver = executor.get("resolver", {})
        queries = resolver.get("outputArtifactQueries", {})
        for query in queries.values():
            if "tfx.ModelBlessing" in query["filter"]:
                query["filter"] += f' AND metadata.pipeline.string_value="{pipeline}"'


def resolve_in(definition: Any, pipeline: str) -> None:
    """Have the resolvers of a compiled pipeline look for artifacts of another one's runs.

    TFX compiles a query of the pipeline itself. Remove it when a channel can name its pipeline.
    """
    for node in definition.nodes:
        inputs = node.pipeline_node.inputs.inputs.values() if _is_resolver(node) else ()
        for channel in (channel for each in inputs for channel in each.channels):
            for query in channel.context_queries:
                if query.type.name == "pipeline":
                    query.name.field_value.string_value = pipeline


def _is_resolver(node: Any) -> bool:
    name: str = node.pipeline_node.node_info.type.name
    return name.endswith(".Resolver")


def call_before_cache(job: dict[str, Any], node: str, command: list[str], args: list[str]) -> None:
    """Have Vertex run a command before it looks for an earlier execution of the node.

    TFX gives that hook to nodes of FileBasedExampleGen alone. It goes when a component can name its
    own.
    """
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    container = executors[f"{node}_executor"]["container"]
    container["lifecycle"] = {"preCacheCheck": {"command": command, "args": args}}
