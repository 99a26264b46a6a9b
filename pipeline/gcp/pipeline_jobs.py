"""Runs a compiled job on Vertex Pipelines: submitted once however often it is tried, waited for with its nodes shown, and its outcome read."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipeline.delivery.record import Images
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp.clients import asking, patiently, vertex
from pipeline.progress import Observer
from settings import Settings

Json = dict[str, Any]
KEYS = {
    True: "parameterValues",
    False: "parameters",
}  # of runtimeConfig, by whether the schema is 2.1 or newer
POLL_SECONDS = (0.5, 10.0)  # from quick, so that a cached run is soon seen, to slow
WAITING = ("STATE_UNSPECIFIED", "PENDING")  # of a task
TASK_ENDED = dict.fromkeys(("SUCCEEDED", "SKIPPED", "NOT_TRIGGERED"), "finished") | {
    "FAILED": "failed",
    "CANCELLED": "cancelled",
}
ACTIVE = ("QUEUED", "PENDING", "RUNNING", "CANCELLING", "PAUSED")


@dataclass(frozen=True)
class Submission:
    """One model's job at one commit, over the window that ends before `end`."""

    settings: Settings
    model: str
    commit: str
    images: Images
    end: date

    @property
    def labels(self) -> dict[str, str]:
        ours = {
            "managed-by": "esteira",
            "environment": self.settings.stage,
            "model": self.model,
            "commit": self.commit,
        }
        return ours | {"image": self.images.pipeline.removeprefix("sha256:")[:12]}

    @property
    def job_id_prefix(self) -> str:
        """What the number of an attempt follows."""
        return f"{self.settings.names.pipeline(self.model)}-{self.commit[:12]}-{self.end:%Y%m%d}-"


@dataclass(frozen=True)
class Outcome:
    """How a run ended; `version` is the one in the model's registry, None where the model was refused."""

    run: str
    error: str | None
    version: str | None


def checked(job: Json, settings: Settings, images: Images) -> Json:
    """The job itself; ConfigurationError where it is not this environment's, this image's, or speaks two versions of the schema at once."""
    name, spec, runtime = job.get("displayName"), job["pipelineSpec"], job["runtimeConfig"]
    root, bucket = runtime["gcsOutputDirectory"], settings.names.artifacts_uri
    if not root.startswith(f"{bucket}/"):
        raise ConfigurationError(
            f"the job {name} writes to {root}: it was compiled for another environment, allowed is {bucket}"
        )
    version = tuple(int(part) for part in spec["schemaVersion"].split(".")[:2])
    right, wrong = KEYS[version >= (2, 1)], KEYS[version < (2, 1)]
    if wrong in runtime:
        raise ConfigurationError(
            f"the job {name} is of schema {spec['schemaVersion']} and has runtimeConfig.{wrong}, allowed is {right}"
        )
    for label, executor in spec["deploymentSpec"]["executors"].items():
        if (
            "container" in executor
            and executor["container"]["image"]
            != f"{settings.names.image('pipeline')}@{images.pipeline}"
        ):
            raise ConfigurationError(
                f"the job {name} runs {label} in {executor['container']['image']}, allowed is {images.pipeline}"
            )
    return job


def submit(wanted: Submission, job: Json, taken: set[str]) -> Any:
    """The Vertex run (aiplatform.PipelineJob) of this submission: the one that is there, or a new one.

    `taken` are the runs whose results the record knows: one of these is the answer only if it is of today.
    """
    settings = wanted.settings
    with asking(f"Vertex Pipelines ({wanted.model})", settings):
        aiplatform = vertex(settings.project_id, settings.region)
        known = patiently(lambda: _known(aiplatform, wanted))
        in_these_images = (
            run for run in known if run.labels.get("image") == wanted.labels["image"]
        )
        newest = next(in_these_images, None)
        if newest and _goes_on(newest, wanted, taken):
            return newest
        attempts = [
            int(run.name.removeprefix(wanted.job_id_prefix))
            for run in known
            if run.name.startswith(wanted.job_id_prefix)
        ]
        attempt = 1 + max(attempts, default=0)
        return patiently(
            lambda: _created(aiplatform, wanted, job, f"{wanted.job_id_prefix}{attempt}")
        )


def wait(
    settings: Settings, runs: dict[str, Any], observer: Observer
) -> Iterator[tuple[str, Outcome]]:
    """Each model's outcome as soon as its run has ended; `runs` is by model."""
    left, pause, seen = dict(runs), POLL_SECONDS[0], {model: dict[str, str]() for model in runs}
    while left:
        for model, run in list(left.items()):
            try:
                with asking(f"the run {run.name}", settings):
                    resource = patiently(lambda run=run: _refreshed(run))  # type: ignore[misc]
                seen[model] = _observed(model, resource, seen[model], observer)
                outcome = None if _state(resource).startswith(ACTIVE) else _outcome(resource)
            except RunError as error:  # of this model: the others' runs go on
                outcome = Outcome(run.resource_name, str(error), None)
            if outcome:
                del left[model]
                yield model, outcome
        if left:
            time.sleep(pause)
            pause = min(pause * 1.3, POLL_SECONDS[1])


def _known(aiplatform: Any, wanted: Submission) -> list[Any]:
    """This commit's runs of the model, the newest first."""
    clauses = (
        f'labels.{key}="{value}"'
        for key, value in wanted.labels.items()
        if key in ("model", "commit", "environment")
    )
    return list(
        aiplatform.PipelineJob.list(filter=" AND ".join(clauses), order_by="create_time desc")
    )


def _goes_on(run: Any, wanted: Submission, taken: set[str]) -> bool:
    """Whether a run that is there answers the question: it is not over yet, or has ended well and nobody took its result, or is of today."""
    state, today = _state(run.gca_resource), run.labels.get("end") == f"{wanted.end:%Y%m%d}"
    if state.startswith(ACTIVE):
        return state != "CANCELLING"
    pushed = state == "SUCCEEDED" and _outcome(run.gca_resource).version is not None
    return state == "SUCCEEDED" and (today or (pushed and run.resource_name not in taken))


def _created(aiplatform: Any, wanted: Submission, job: Json, job_id: str) -> Any:
    """By the service's client: PipelineJob.submit would ask for the project's number first, which takes a right that a builder lacks."""
    from google.api_core import exceptions
    from google.cloud.aiplatform import initializer, utils

    settings, runtime = wanted.settings, job["runtimeConfig"]
    asked = aiplatform.gapic.PipelineJob(
        display_name=job_id,
        pipeline_spec=job["pipelineSpec"],
        runtime_config={
            "gcs_output_directory": runtime["gcsOutputDirectory"],
            "parameter_values": runtime.get("parameterValues", {}),
        },
        labels={**wanted.labels, "end": f"{wanted.end:%Y%m%d}"},
        service_account=settings.names.service_account_email("pipeline"),
    )
    client = initializer.global_config.create_client(utils.PipelineJobClientWithOverride)
    parent = f"projects/{settings.project_id}/locations/{settings.region}"
    with suppress(
        exceptions.AlreadyExists
    ):  # by a call whose answer was lost, or by another delivery of this commit
        client.create_pipeline_job(parent=parent, pipeline_job=asked, pipeline_job_id=job_id)
    run = aiplatform.PipelineJob.get(job_id)
    if run.labels.get("image") != wanted.labels["image"]:
        raise RunError(
            f"{run.resource_name} runs this commit in other images, by another delivery: run it again"
        )
    return run


def _refreshed(run: Any) -> Any:
    run.state  # noqa: B018  asking for it is what reads the resource anew
    return run.gca_resource


def _state(resource: Any) -> str:
    return str(resource.state.name).removeprefix("PIPELINE_STATE_")


def _observed(
    model: str, resource: Any, seen: dict[str, str], observer: Observer
) -> dict[str, str]:
    """Tell what has changed since `seen`, task -> running or ended; returns what is so now."""
    now = dict(seen)
    for task in resource.job_detail.task_details:
        name, state = task.task_name, task.state.name
        if (
            name == resource.name.split("/")[-1] or state in WAITING
        ):  # Vertex lists the run itself as a task, too
            continue
        if now.get(name) != "running" and (name not in now or state not in TASK_ENDED):
            observer(f"{model} {name}", "running")
            now[name] = "running"
        if state in TASK_ENDED and now[name] == "running":
            observer(f"{model} {name}", TASK_ENDED[state])
            now[name] = "ended"
    return now


def _outcome(resource: Any) -> Outcome:
    if _state(resource) != "SUCCEEDED":
        failed = [
            task.task_name
            for task in resource.job_detail.task_details
            if task.state.name == "FAILED"
        ]
        where = f" at {failed[0]}" if failed else ""
        return Outcome(
            resource.name,
            f"the run {_state(resource).lower()}{where}: {resource.error.message or 'no more was told'}",
            None,
        )
    for task in resource.job_detail.task_details:
        for artifact in (
            task.outputs["pushed_model"].artifacts if task.task_name == "Pusher" else ()
        ):
            told = dict(artifact.metadata or {})
            return Outcome(
                resource.name,
                None,
                str(told["pushed_version"]) if told.get("pushed") == 1 else None,
            )
    raise RunError(
        f"{resource.name} has succeeded and tells of no pushed model: look at its Pusher"
    )
