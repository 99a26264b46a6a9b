"""Runs a compiled job on Vertex Pipelines.

The job is submitted once however often it is tried. Then it is waited for with its nodes shown,
and its outcome is read.
"""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipeline.delivery.record import Images
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp.clients import patiently
from pipeline.gcp.protocols import PipelineJob, PipelineJobResource, Task
from pipeline.gcp.stage import Stage
from pipeline.progress import Observer

Json = dict[str, Any]
# of runtimeConfig, by whether the schema is 2.1 or newer
KEYS = {True: "parameterValues", False: "parameters"}
POLL_SECONDS = (0.5, 10.0)  # from quick, so that a cached run is soon seen, to slow
WAITING = ("STATE_UNSPECIFIED", "PENDING")  # of a task
TASK_ENDED = dict.fromkeys(("SUCCEEDED", "SKIPPED", "NOT_TRIGGERED"), "finished") | {
    "FAILED": "failed",
    "CANCELLED": "cancelled",
}
# of a job: CreatePipelineJobRequest of google.cloud.aiplatform_v1
ID = re.compile(r"[a-z0-9-]{1,127}")
EXPERIMENT = "experiment"  # the label of a job that no verb delivers
ACTIVE = ("QUEUED", "PENDING", "RUNNING", "CANCELLING", "PAUSED")


@dataclass(frozen=True)
class Submission:
    """One model's job at one commit, over the window before `end`."""

    stage: Stage
    model: str
    commit: str
    images: Images
    end: date

    @property
    def labels(self) -> dict[str, str]:
        labels = {
            "managed-by": "esteira",
            "environment": self.stage.name,
            "model": self.model,
            "commit": self.commit,
        }
        return labels | {"image": self.images.pipeline.removeprefix("sha256:")[:12]}

    @property
    def job_id_prefix(self) -> str:
        """Return the job's id without the number of the attempt.

        The number follows it.
        """
        return f"{self.stage.names.pipeline(self.model)}-{self.commit[:12]}-{self.end:%Y%m%d}-"


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    `version` is the one in the model's registry, None where the model was refused. An experiment
    has none: `blessed` is its verdict. The digests are those that the run's nodes noted, None where
    none did.
    """

    run: str
    error: str | None
    version: str | None
    model_digest: str | None = None
    data_digest: str | None = None
    blessed: bool | None = None


def checked(job: Json, stage: Stage, images: Images) -> Json:
    """Return the job itself.

    Raises ConfigurationError where it is not this stage's or this image's, or speaks two
    versions of the schema at once.
    """
    name, spec, runtime = job.get("displayName"), job["pipelineSpec"], job["runtimeConfig"]
    root, bucket = runtime["gcsOutputDirectory"], stage.names.artifacts_uri
    if not root.startswith(f"{bucket}/"):
        raise ConfigurationError(
            f"the job {name} writes to {root}: "
            f"it was compiled for another stage, allowed is {bucket}"
        )
    version = tuple(int(part) for part in spec["schemaVersion"].split(".")[:2])
    right_key, wrong_key = KEYS[version >= (2, 1)], KEYS[version < (2, 1)]
    if wrong_key in runtime:
        raise ConfigurationError(
            f"the job {name} is of schema {spec['schemaVersion']} "
            f"and has runtimeConfig.{wrong_key}, allowed is {right_key}"
        )
    allowed_image = f"{stage.names.image('pipeline')}@{images.pipeline}"
    for label, executor in spec["deploymentSpec"]["executors"].items():
        if "container" in executor and executor["container"]["image"] != allowed_image:
            raise ConfigurationError(
                f"the job {name} runs {label} in {executor['container']['image']}, "
                f"allowed is {images.pipeline}"
            )
    return job


def submit(submission: Submission, job: Json, recorded_runs: set[str]) -> PipelineJob:
    """Return the Vertex run (aiplatform.PipelineJob) of this submission.

    An existing run is returned before a new one is made. `recorded_runs` are those whose results
    the record knows: one of these is returned only if it is of today.
    """
    with submission.stage.asking(f"Vertex Pipelines ({submission.model})"):
        existing_runs = patiently(lambda: _existing(submission))
        image = submission.labels["image"]
        runs_of_image = [run for run in existing_runs if run.labels.get("image") == image]
        if runs_of_image and _goes_on(runs_of_image[0], submission, recorded_runs):
            return runs_of_image[0]
        prefix = submission.job_id_prefix
        names = [run.name for run in existing_runs if run.name.startswith(prefix)]
        attempts = [int(name.removeprefix(prefix)) for name in names]
        job_id = f"{prefix}{1 + max(attempts, default=0)}"
        return patiently(lambda: _created(submission, job, job_id))


def wait(
    stage: Stage, runs: dict[str, PipelineJob], observer: Observer
) -> Iterator[tuple[str, Outcome]]:
    """Yield each model's outcome as soon as its run has ended; `runs` is by model."""
    open_runs, pause = dict(runs), POLL_SECONDS[0]
    task_states = {model: dict[str, str]() for model in runs}
    while open_runs:
        for model, run in list(open_runs.items()):
            try:
                with stage.asking(f"the run {run.name}"):
                    resource = patiently(lambda run=run: _refreshed(run))  # type: ignore[misc]
                task_states[model] = _observed(model, resource, task_states[model], observer)
                outcome = None if _state(resource).startswith(ACTIVE) else _outcome(resource)
            except RunError as error:  # of this model: the others' runs go on
                outcome = Outcome(run.resource_name, str(error), None)
            if outcome:
                del open_runs[model]
                yield model, outcome
        if open_runs:
            time.sleep(pause)
            pause = min(pause * 1.3, POLL_SECONDS[1])


def named(stage: Stage, run: str) -> PipelineJob:
    """Return the existing run of that resource name."""
    with stage.asking(f"the run {run}"):
        job: PipelineJob = patiently(lambda: stage.vertex.PipelineJob.get(run))
    return job


def ended(stage: Stage, run: str) -> Outcome | None:
    """Return the outcome of the run of that resource name, None while it goes on."""
    resource = named(stage, run).gca_resource
    return None if _state(resource).startswith(ACTIVE) else _outcome(resource)


def read(stage: Stage, run: str) -> Json:
    """Return the run of that resource name as the API's JSON.

    It tells the compiled spec, the labels, and each task with its artifacts.
    """
    with stage.asking(f"the run {run}"):
        resource = patiently(lambda: stage.vertex.PipelineJob.get(run)).gca_resource
    return _plain(resource)


def find(stage: Stage, run: str) -> Json | None:
    """Return the run of that id or resource name as `read` does, None where there is none."""
    from google.api_core import exceptions

    id_ = id_in(stage, run)
    if id_ is None:
        return None
    with stage.asking(f"the run {run}"):
        try:
            resource = patiently(lambda: stage.vertex.PipelineJob.get(id_)).gca_resource
        except exceptions.NotFound:
            return None
    return _plain(resource)


def id_in(stage: Stage, run: str) -> str | None:
    """Return the id of a run by its id or resource name.

    Returns None for one of another project, and for what can be no id.
    """
    *_, id_ = run.split("/")
    region = stage.settings.region
    names = [id_]
    for project in (stage.project, stage.settings.project_number):
        names.append(f"projects/{project}/locations/{region}/pipelineJobs/{id_}")
    return id_ if run in names and ID.fullmatch(id_) else None


def matching(stage: Stage, condition: str) -> list[Json]:
    """Return the runs that meet a condition of AIP-160, the newest first, without their tasks."""
    with stage.asking("Vertex Pipelines"):
        order = "create_time desc"
        jobs = patiently(lambda: stage.vertex.PipelineJob.list(filter=condition, order_by=order))
    return [_plain(job.gca_resource) for job in jobs]


def _plain(resource: Any) -> Json:
    job: Json = type(resource).to_dict(
        resource, use_integers_for_enums=False, preserving_proto_field_name=False
    )
    return job


def _existing(submission: Submission) -> list[PipelineJob]:
    """Return this commit's runs of the model, the newest first."""
    labels = submission.labels
    conditions = [f'labels.{key}="{labels[key]}"' for key in ("environment", "model", "commit")]
    jobs = submission.stage.vertex.PipelineJob
    return list(jobs.list(filter=" AND ".join(conditions), order_by="create_time desc"))


def _goes_on(run: PipelineJob, submission: Submission, recorded_runs: set[str]) -> bool:
    """Say whether an existing run answers the question.

    A run answers if it is active, or has succeeded and is of today or has an unrecorded result.
    """
    state = _state(run.gca_resource)
    is_todays = run.labels.get("end") == f"{submission.end:%Y%m%d}"
    if state.startswith(ACTIVE):
        return state != "CANCELLING"
    has_version = state == "SUCCEEDED" and _version(run) is not None
    is_open = has_version and run.resource_name not in recorded_runs
    return state == "SUCCEEDED" and (is_todays or is_open)


def _version(run: PipelineJob) -> str | None:
    """Return the version that the run has pushed; a listed run lacks its tasks' details."""
    resource = patiently(lambda: _refreshed(run))
    return _outcome(resource).version


def _created(submission: Submission, job: Json, job_id: str) -> PipelineJob:
    """Create the run; another delivery of this commit may have made it before."""
    labels = {**submission.labels, "end": f"{submission.end:%Y%m%d}"}
    run = create(submission.stage, job, job_id, labels)
    if run.labels.get("image") != submission.labels["image"]:
        raise RunError(
            f"{run.resource_name} runs this commit in other images, by another delivery: "
            "run it again"
        )
    return run


def create(stage: Stage, job: Json, job_id: str, labels: dict[str, str]) -> PipelineJob:
    """Create the run by the service's client; one of that id is returned as it is.

    PipelineJob.submit would ask for the project's number first, which takes a right that a builder
    lacks.
    """
    from google.api_core import exceptions
    from google.cloud.aiplatform import initializer, utils

    runtime = job["runtimeConfig"]
    aiplatform = stage.vertex
    new_job = aiplatform.gapic.PipelineJob(
        display_name=job_id,
        pipeline_spec=job["pipelineSpec"],
        runtime_config={
            "gcs_output_directory": runtime["gcsOutputDirectory"],
            "parameter_values": runtime.get("parameterValues", {}),
        },
        labels=labels,
        service_account=stage.names.service_account_email("pipeline"),
    )
    client = initializer.global_config.create_client(utils.PipelineJobClientWithOverride)
    # It exists by a call whose answer was lost, or by another caller's. Over REST that is a
    # Conflict, of which gRPC's AlreadyExists is a kind (google.api_core.exceptions).
    with suppress(exceptions.Conflict):
        client.create_pipeline_job(
            parent=stage.parent, pipeline_job=new_job, pipeline_job_id=job_id
        )
    run: PipelineJob = aiplatform.PipelineJob.get(job_id)
    return run


def _refreshed(run: PipelineJob) -> PipelineJobResource:
    run.state  # noqa: B018  asking for it is what reads the resource again
    return run.gca_resource


def _state(resource: PipelineJobResource) -> str:
    return str(resource.state.name).removeprefix("PIPELINE_STATE_")


def _observed(
    model: str, resource: PipelineJobResource, old_states: dict[str, str], observer: Observer
) -> dict[str, str]:
    """Tell the observer the changes since `old_states`; return the new states.

    The states map each task to running or ended.
    """
    states = dict(old_states)
    run_name = resource.name.split("/")[-1]
    for task in resource.job_detail.task_details:
        name, state = task.task_name, task.state.name
        # Vertex lists the run itself as a task, too
        if name == run_name or state in WAITING:
            continue
        if states.get(name) != "running" and (name not in states or state not in TASK_ENDED):
            observer(f"{model} {name}", "running")
            states[name] = "running"
        if state in TASK_ENDED and states[name] == "running":
            observer(f"{model} {name}", TASK_ENDED[state])
            states[name] = "ended"
    return states


def _outcome(resource: PipelineJobResource) -> Outcome:
    run_name = resource.name.split("/")[-1]
    # The run itself is one of its tasks, and fails with any of them.
    tasks = [task for task in resource.job_detail.task_details if task.task_name != run_name]
    if _state(resource) != "SUCCEEDED":
        failed_tasks = [task.task_name for task in tasks if task.state.name == "FAILED"]
        place = f" at {failed_tasks[0]}" if failed_tasks else ""
        message = resource.error.message or "no more was told"
        error = f"the run {_state(resource).lower()}{place}: {message}"
        return Outcome(resource.name, error, None)
    model = _output(tasks, "Trainer", "model") or {}
    examples = _output(tasks, "ExampleGen", "examples") or {}
    digests = {"model_digest": model.get("digest"), "data_digest": examples.get("digest")}
    if EXPERIMENT in resource.labels:
        return Outcome(resource.name, None, None, blessed=_is_blessed(tasks), **digests)
    pushed_model = _output(tasks, "Pusher", "pushed_model")
    if pushed_model is None:
        raise RunError(
            f"{resource.name} has succeeded and tells of no pushed model: look at its Pusher"
        )
    version = str(pushed_model["pushed_version"]) if pushed_model.get("pushed") == 1 else None
    return Outcome(resource.name, None, version, **digests)


def _is_blessed(tasks: list[Task]) -> bool:
    """Say whether the model clears its bars and can be served."""
    blessings = [_output(tasks, node, "blessing") for node in ("Evaluator", "ServingCheck")]
    return all(blessing and blessing.get("blessed") == 1 for blessing in blessings)


def _output(tasks: list[Task], node: str, key: str) -> Json | None:
    """Return the properties of a node's first output artifact; `node` ends the name of its task."""
    for task in tasks:
        if task.task_name.endswith(node) and key in task.outputs:
            for artifact in task.outputs[key].artifacts:
                return dict(artifact.metadata or {})
    return None
