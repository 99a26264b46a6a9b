"""Imports the libraries of a rehearsal's containers when it is imported.

The containers are forked from there.
"""

from pipeline.job import startup

startup.load()

from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor  # noqa: E402, F401
