"""Submits a model of any tree to a stage's Vertex Pipelines, where nothing is pushed.

The run has a pipeline's name, a root and labels of its own: no delivery finds it.
"""

import secrets
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pipeline import spec
from pipeline.cards import owner
from pipeline.delivery import record_object
from pipeline.delivery.record import Images
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import artifact_registry, modules, pipeline_jobs
from pipeline.gcp.clients import patiently
from pipeline.gcp.pipeline_jobs import EXPERIMENT, Json
from pipeline.gcp.stage import Stage
from pipeline.job import compiler
from pipeline.model.folder import ModelFolder
from pipeline.progress import Observer, shown
from pipeline.provenance import kept_tree
from pipeline.spec import PipelineSpec
from pipeline.submission import sources, tree


@dataclass(frozen=True)
class Submitted:
    """A run that Vertex has taken, and the addresses of what it ran."""

    run: str  # its id
    model: str
    sources: list[str]
    untracked_files: list[str]  # that went to the bucket, too


@dataclass(frozen=True)
class Experiment:
    """One run of a person's, in the image that the stage has of the commit `base`."""

    stage: Stage
    user: str
    folder: ModelFolder
    base: str
    images: Images
    begun: datetime
    suffix: str  # tells the runs of a second apart

    @property
    def pipeline(self) -> str:
        return self.stage.names.experiment_pipeline(self.user, self.folder.name)

    @property
    def run(self) -> str:
        return f"{self.pipeline}-{self.begun:%Y%m%d-%H%M%S}-{self.suffix}"

    @property
    def labels(self) -> dict[str, str]:
        """The job's labels; without `commit`, by which a delivery looks for its own."""
        return {
            "managed-by": "esteira",
            "environment": self.stage.name,
            "model": self.folder.name,
            EXPERIMENT: self.user,
            "base": self.base,
            "image": self.images.pipeline.removeprefix("sha256:")[:12],
        }


def begin(stage: Stage, model: str, user: str) -> Experiment:
    """The experiment in the stage's image; raises ConfigurationError where there is none yet."""
    folder = ModelFolder.load(model)
    owner.read(folder.path)  # which refuses what the report could not show
    record = record_object.read(stage)
    if record.commit is None or record.images is None:
        raise ConfigurationError(
            f"{record_object.uri(stage)} names no image yet, and an experiment runs in one: "
            f"`python3 -m pipeline push --env {stage.name}` makes it"
        )
    begun = datetime.now(UTC)
    return Experiment(
        stage, user, folder, record.commit, record.images, begun, secrets.token_hex(2)
    )


def submit(experiment: Experiment, repository: Path, observer: Observer) -> Submitted:
    """Check and keep the repository's files, upload the model's, and have Vertex run them.

    Nothing is kept or uploaded of a tree that is refused.
    """
    stage, run = experiment.stage, experiment.run
    with shown(observer, f"{experiment.folder.name} check"):
        checked_tree = tree.checked(repository, experiment.base, stage.name)
        # Of the very files that were hashed: one may have been edited since `begin`.
        folder = ModelFolder.load(str(experiment.folder.path))
        experiment = replace(experiment, folder=folder)
        artifact_registry.check(stage, experiment.images)
    with shown(observer, f"{folder.name} compile"):
        pipeline_spec = spec_of(experiment)
        job = compiled(experiment, pipeline_spec)
    with shown(observer, f"{folder.name} upload"):
        code = tree.kept(repository, folder, run, checked_tree)
        bundle = kept_tree.bundle(repository, run, code.commit, experiment.base)
        addresses = sources.write(stage, run, folder, code, bundle)
        upload = modules.upload(folder, stage)
    if set(upload.uris.values()) != set(astuple(pipeline_spec.modules)):
        raise RunError(f"{folder.path} changed while it was submitted: run it again")
    with shown(observer, f"{folder.name} submit"), stage.asking(f"Vertex Pipelines ({run})"):
        patiently(lambda: pipeline_jobs.create(stage, job, run, experiment.labels))
    return Submitted(run, folder.name, addresses, code.untracked_files or [])


def spec_of(experiment: Experiment) -> PipelineSpec:
    """The stage's delivery of the model up to today, without its push."""
    stage, images = experiment.stage, experiment.images
    worker = artifact_registry.Image(stage, "worker")
    delivery = spec.cloud(
        experiment.folder,
        stage.settings,
        image=artifact_registry.Image(stage, "pipeline").at(images.pipeline),
        serving_image=artifact_registry.Image(stage, "serving").at(images.serving),
        worker_image=worker.at(images.worker) if images.worker else None,
        end=experiment.begun.date(),
    )
    return spec.experiment(delivery, experiment.pipeline)


def compiled(experiment: Experiment, pipeline_spec: PipelineSpec) -> Json:
    stage, images = experiment.stage, experiment.images
    image = artifact_registry.Image(stage, "pipeline").at(images.pipeline)
    return pipeline_jobs.checked(compiler.compiled(pipeline_spec, image), stage, images)
