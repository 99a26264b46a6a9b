"""Imports, by being imported, what each container of a rehearsal imports: they are forked from there."""

from pipeline.job import startup

startup.load()

from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor  # noqa: E402, F401
