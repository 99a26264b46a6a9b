"""Keeps a stage's runs in Vertex Experiments, by four calls a run and without TensorBoard.

A run is a context in its model's experiment, above the context that Vertex Pipelines made for its
job. The edge to the experiment comes last: a run that has it is whole, and one without it waits.
"""

from pipeline.errors import RunError, UnreachableError
from pipeline.gcp import contexts
from pipeline.gcp.metadata_store import quoted
from pipeline.gcp.stage import Stage
from pipeline.tracking import experiment_run
from pipeline.tracking.tracker import TrackedRun

SETTING = "vertex-experiments"  # of Settings.tracker
SUBJECT = "Vertex Experiments"
# as google.cloud.aiplatform.metadata.experiment_resources makes it
EXPERIMENT = {"metadata": {"experiment_deleted": False}}


class VertexExperiments:
    """A tracker: the experiments of a stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def send(self, run: TrackedRun) -> None:
        from google.api_core import exceptions

        try:
            with self.stage.asking(SUBJECT):
                self._send(run)
        except UnreachableError:
            raise
        except RunError as error:
            if isinstance(error.__cause__, exceptions.BadRequest):
                raise
            raise UnreachableError(str(error)) from error

    def _send(self, run: TrackedRun) -> None:
        """Each call does the same when it is sent again, and a run's context is made by one."""
        experiment = self.stage.names.experiment(run.model)
        id_ = experiment_run.id_of(experiment, run.id)
        fields = experiment_run.fields(self.stage.name, run)
        contexts.create(
            self.stage, experiment, contexts.EXPERIMENT, {"displayName": experiment, **EXPERIMENT}
        )
        contexts.create(self.stage, id_, contexts.RUN, fields)
        # A job that failed before its first task has left no context of its own.
        contexts.add_child(self.stage, id_, run.id)
        if not contexts.add_child(self.stage, experiment, id_):
            raise RunError(f"{SUBJECT}: {id_} was deleted while it was sent")

    def runs(self) -> set[str]:
        """The ids of the stage's whole runs."""
        condition = f'schema_title="{contexts.RUN}" AND {of_stage(self.stage)}'
        with self.stage.asking(SUBJECT):
            all_contexts = list(contexts.matching(self.stage, condition))
        whole = [context["metadata"] for context in all_contexts if self._is_whole(context)]
        return {str(metadata.get("run")) for metadata in whole}

    def _is_whole(self, context: experiment_run.Json) -> bool:
        """Say whether the run has the edge that is made last; one without a model has none."""
        model = context["metadata"].get("model")
        if not isinstance(model, str):
            return False
        experiment = contexts.name(self.stage, self.stage.names.experiment(model))
        return experiment in context.get("parentContexts", [])


def of_stage(stage: Stage) -> str:
    """The condition on a context that it is of this stage: several may share a project."""
    return f"metadata.{experiment_run.STAGE}.string_value={quoted(stage.name)}"
