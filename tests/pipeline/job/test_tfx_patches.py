"""Each reach into TFX's and Beam's inside still has its reason.

Where one of these tests fails, look whether its patch can go.
"""

import inspect
import json
from datetime import date

import apache_beam as beam
import pytest
from apache_beam.runners.direct import direct_runner
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.transforms import userstate
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.components.util import udf_utils
from tfx.extensions.google_cloud_ai_platform.trainer import executor as vertex_executor
from tfx.orchestration.kubeflow.v2 import compiler_utils
from tfx.orchestration.kubeflow.v2.container import (
    kubeflow_v2_entrypoint_utils,
    kubeflow_v2_run_executor,
)
from tfx.orchestration.local import local_dag_runner
from tfx.orchestration.portable import launcher

from environments import ENVIRONMENTS
from pipeline.job import compiler, entrypoint, tfx_patches
from pipeline.model.folder import ModelFolder
from pipeline.spec import cloud, here


def refuse(element):
    raise ValueError(f"no number: {element}")


class Doubled(beam.DoFn):
    def process(self, element):
        yield 2 * element


def test_beams_direct_runner_still_tries_one_that_it_downloads():
    source = inspect.getsource(direct_runner.SwitchingDirectRunner.run_pipeline)

    assert "prism_runner.PrismRunner()" in source


def test_a_pipeline_is_run_by_the_fn_api_runner(monkeypatch):
    runners = []
    run_pipeline = fn_runner.FnApiRunner.run_pipeline

    def noted(runner, *arguments):
        runners.append(runner)
        return run_pipeline(runner, *arguments)

    monkeypatch.setattr(fn_runner.FnApiRunner, "run_pipeline", noted)
    monkeypatch.setattr("apache_beam.runners.portability.prism_runner.PrismRunner", None)

    with tfx_patches.beam(), beam.Pipeline() as pipeline:
        numbers = pipeline | beam.Create([1, 2])
        numbers | beam.ParDo(Doubled())

    assert len(runners) == 1


def test_beam_still_reads_a_dofn_again_each_time():
    do_fn = Doubled()

    first_specs = userstate.get_dofn_specs(do_fn)
    second_specs = userstate.get_dofn_specs(do_fn)
    with tfx_patches.dofn_specs_read_once():
        patched_specs = userstate.get_dofn_specs(do_fn)
        next_patched_specs = userstate.get_dofn_specs(do_fn)

    assert second_specs is not first_specs
    assert next_patched_specs is patched_specs


def test_tfxs_local_runner_still_makes_its_launchers_by_this_name():
    source = inspect.getsource(local_dag_runner.LocalDagRunner.run_with_ir)

    assert "launcher.Launcher(" in source


def test_tfxs_launcher_still_has_what_is_overridden():
    launch = inspect.getsource(launcher.Launcher.launch)
    run_executor = inspect.signature(launcher.Launcher._run_executor)

    assert "self._run_executor(" in launch
    assert "self._pipeline_node" in inspect.getsource(launcher.Launcher)
    assert list(run_executor.parameters) == ["self", "execution_info"]


def test_tfxs_custom_job_still_asks_this_method_for_its_executor():
    source = inspect.getsource(vertex_executor.GenericExecutor.Do)

    assert "self._GetExecutorClass()" in source


def test_beam_still_adds_the_place_to_a_message():
    with pytest.raises(ValueError, match="no number") as caught, beam.Pipeline() as pipeline:
        pipeline | beam.Create(["x"]) | "Read" >> beam.Map(refuse)

    assert "[while running" in str(caught.value)
    assert tfx_patches.message_without_place(caught.value) == "no number: x"


def test_tfx_still_counts_the_programs_name_among_beams_arguments():
    flags = [
        "--executor_class_path=a.B",
        "--json_serialized_invocation_args={}",
        "--json_serialized_inputs_spec_args={}",
    ]

    _, beam_arguments = kubeflow_v2_run_executor._parse_flags(["program", *flags])

    assert "program" in beam_arguments


def test_tfx_still_packs_modules_but_where_this_variable_is_set():
    source = inspect.getsource(udf_utils)

    assert "UNSUPPORTED_DO_NOT_PACKAGE_USER_MODULES" in source


def test_tfx_still_finds_no_class_in_a_package_by_the_title_of_an_artifact_type(monkeypatch):
    title = pipeline_spec_pb2.ArtifactTypeSchema(schema_title="esteira.Baseline")
    monkeypatch.setattr(compiler_utils, "TITLE_TO_CLASS_PATH", {})

    path = kubeflow_v2_entrypoint_utils._retrieve_class_path(title)
    tfx_patches.name_artifact_types()
    patched_path = kubeflow_v2_entrypoint_utils._retrieve_class_path(title)

    assert path == "esteira.Baseline"
    assert patched_path == "pipeline.components.artifacts.Baseline"


def test_tfx_still_asks_for_the_last_blessed_model_of_the_whole_project(tmp_path, monkeypatch):
    jobs = []

    def keep(job, _name):
        jobs.append(json.dumps(job))

    monkeypatch.setattr(tfx_patches, "ask_for_own_blessing", keep)
    folder = ModelFolder.load("ferry")
    spec = here(folder, tmp_path)

    compiler.compiled(spec, "image@sha256:0")

    [job] = jobs
    *_, module = entrypoint.COMMAND
    assert "tfx.ModelBlessing" in job
    assert "metadata.pipeline" not in job
    assert module in job


def test_tfx_still_has_no_program_before_the_cache_for_a_query(monkeypatch):
    jobs = []

    def keep(job, *_program):
        jobs.append(json.dumps(job))

    monkeypatch.setattr(tfx_patches, "call_before_cache", keep)
    end = date(2026, 11, 27)
    spec = cloud(
        ModelFolder.load("ferry"), ENVIRONMENTS["dev"], image="i", serving_image="s", end=end
    )

    compiler.compiled(spec, "image@sha256:0")

    [job] = jobs
    assert "BigQueryExampleGen" in job
    assert "preCacheCheck" not in job
