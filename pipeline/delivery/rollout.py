"""Holds the common steps of deliver and promote.

They upload, run, release and record a commit's models, and ask the next stage.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from pipeline import spec
from pipeline.delivery import git, integrity, record_object, recorded_images, run_report
from pipeline.delivery.leftovers import sweep
from pipeline.delivery.record import Images, Model, Record, SupersededError
from pipeline.delivery.releases import Candidate, check_place, release
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import artifact_registry, event_log, pipeline_jobs, pubsub
from pipeline.gcp.modules import addresses, upload
from pipeline.gcp.pipeline_jobs import Outcome, Submission
from pipeline.gcp.protocols import PipelineJob
from pipeline.gcp.stage import Stage
from pipeline.job import compiler
from pipeline.model.folder import ModelFolder
from pipeline.progress import Observer, shown
from settings import REPOSITORY


@dataclass(frozen=True)
class Verdict:
    model: str
    state: Literal["delivered", "not blessed", "failed", "superseded"]
    reason: str
    report: str | None = None  # its run's, for a browser


@dataclass(frozen=True)
class Rollout:
    """One commit on its way into a stage.

    `source` is the stage that it is promoted from, `followers` are those that promote from it.
    """

    stage: Stage
    source: Stage | None
    followers: tuple[Stage, ...]
    commit: str
    observer: Observer

    def check_commit(self) -> None:
        head = git.commit(REPOSITORY, "HEAD")
        if head != self.commit:
            raise ConfigurationError(
                f"--commit is {self.commit}, allowed is the commit that is checked out, {head}"
            )

    def deliver(self, images: dict[str, Images]) -> list[Verdict]:
        """Submit all models, then release each as soon as its run has ended.

        `images` are by model. A model that fails does not stop the others.
        """
        for delivered_images in set(images.values()):
            artifact_registry.check(self.stage, delivered_images)
        recorded_models = record_object.read(self.stage).models
        runs: dict[str, PipelineJob] = {}
        verdicts: list[Verdict] = []
        today = datetime.now(UTC).date()
        for model, model_images in images.items():
            submission = Submission(self.stage, model, self.commit, model_images, today)
            with self._failures(model, verdicts):
                sweep(self.stage, model, self.observer)
                runs[model] = submit(submission, self.observer)
        for model, outcome in pipeline_jobs.wait(self.stage, runs, self.observer):
            address = run_report.address(self.stage, model, outcome.run)
            report = self._report(model, outcome)  # with the statement that a release may need
            with self._failures(model, verdicts, report=address):
                old_model = recorded_models.get(model)
                verdict = self._judged(model, images[model], outcome, address, old_model)
                verdicts.append(verdict)
            verdicts[-1] = replace(verdicts[-1], report=report)
        return sorted(verdicts, key=lambda verdict: verdict.model)

    def close(self, images: Images) -> None:
        """Record a wholly delivered commit as the base of the next route.

        A record with a later push stays as it is.
        """
        artifact_registry.keep(self.stage, images)

        def change(record: Record) -> Record:
            is_superseded = record.pushed is not None and record.pushed.commit != self.commit
            if is_superseded:
                return record
            return replace(record, commit=self.commit, images=images)

        record_object.update(self.stage, change)
        recorded_images.match_tags(self.stage)

    def hand_on(self, verdicts: list[Verdict]) -> None:
        """Ask the followers to promote the delivered models."""
        models = [verdict.model for verdict in verdicts if verdict.state == "delivered"]
        if not models:
            return
        for follower in self.followers:
            with shown(self.observer, f"ask {follower.name} to promote {','.join(models)}"):
                pubsub.ask_to_promote(follower, self.commit, models)

    def _report(self, model: str, outcome: Outcome) -> str | None:
        """Write the run's report; return its address, or None."""
        with shown(self.observer, f"{model} report"):
            return run_report.write(self.stage, model, outcome)

    def _judged(
        self, model: str, images: Images, outcome: Outcome, report: str, old_model: Model | None
    ) -> Verdict:
        """Release what the run has made; `old_model` was recorded when it began."""
        stage, run = self.stage, outcome.run
        if outcome.error is not None:
            raise RunError(outcome.error)
        if outcome.version is None:
            facts = {"commit": self.commit, "run": run, "report": report}
            event_log.tell(stage, "not_blessed", model, **facts)
            reason = f"the candidate was refused, what served before still does ({run})"
            return Verdict(model, "not blessed", reason)
        modules = addresses(ModelFolder.load(model), stage)
        candidate = Candidate(
            stage,
            model,
            self.commit,
            images,
            run,
            outcome.version,
            modules,
            model_digest=outcome.model_digest,
            data_digest=outcome.data_digest,
        )
        check = partial(self._check_wanted, model=model, old_model=old_model)
        delivery = release(candidate, self.observer, check)
        digest = integrity.shown(delivery.model_digest)
        return Verdict(model, "delivered", f"version {delivery.registry_version} serves, {digest}")

    def _check_wanted(self, record: Record, *, model: str, old_model: Model | None) -> None:
        """Raise SupersededError if something newer takes this delivery's place.

        A retraining is of what was recorded when it began: what was released or taken back since
        then stays. A promotion is checked against the source stage's record, a first delivery
        against the last push.
        """
        if old_model is not None and old_model.current.commit == self.commit:
            check_place(record, model, old_model)
        elif self.source is None:
            admit(record, self.commit, self.stage, [model])
        elif not is_recorded(record_object.read(self.source), self.commit, [model]):
            raise SupersededError(f"{self.source.name} has another commit of {model} by now")

    @contextmanager
    def _failures(self, model: str, verdicts: list[Verdict], report: str = "") -> Iterator[None]:
        """Turn a failure of one model into its verdict, and tell the event log.

        `report` is the address of its run's report, empty where there is no run.
        """
        try:
            yield
        except SupersededError as error:
            verdicts.append(Verdict(model, "superseded", str(error)))
        except (RunError, ConfigurationError) as error:
            verdicts.append(Verdict(model, "failed", str(error)))
            with suppress(RunError):  # the verdict is what matters, and the build fails with it
                facts = {"reason": str(error), "report": report}
                event_log.tell(self.stage, "run_failed", model, **facts)


def submit(submission: Submission, observer: Observer) -> PipelineJob:
    """Upload the model's modules, compile its job and have Vertex run it."""
    stage, model, images = submission.stage, submission.model, submission.images
    folder = ModelFolder.load(model)
    with shown(observer, f"{model} upload"):
        upload(folder, stage)
    with shown(observer, f"{model} compile"):
        image = artifact_registry.Image(stage, "pipeline").at(images.pipeline)
        serving_image = artifact_registry.Image(stage, "serving").at(images.serving)
        worker = artifact_registry.Image(stage, "worker")
        pipeline_spec = spec.cloud(
            folder,
            stage.settings,
            image=image,
            serving_image=serving_image,
            worker_image=worker.at(images.worker) if images.worker else None,
            end=submission.end,
        )
        compiled_job = compiler.compiled(pipeline_spec, image)
        job = pipeline_jobs.checked(compiled_job, stage, images)
    with shown(observer, f"{model} submit"):
        recorded_model = record_object.read(stage).models.get(model)
        deliveries = recorded_model.deliveries if recorded_model else []
        recorded_runs = {delivery.run for delivery in deliveries}
        return pipeline_jobs.submit(submission, job, recorded_runs)


def admit(record: Record, commit: str, stage: Stage, models: list[str]) -> None:
    """Let the last push go on, and recorded models be retrained.

    The older of two concurrent builds thereby never overrides the newer. Raises ConfigurationError
    where nothing was pushed, and SupersededError where another commit was.
    """
    if is_recorded(record, commit, models) or (record.pushed and record.pushed.commit == commit):
        return
    if record.pushed is None:
        raise ConfigurationError(
            f"--commit is {commit[:12]}, which was not pushed: "
            f"`python3 -m pipeline push --env {stage.name}`"
        )
    raise SupersededError(
        f"{record.pushed.commit[:12]} was pushed after {commit[:12]} and is delivered in its place"
    )


def is_recorded(record: Record, commit: str, models: list[str]) -> bool:
    """Say whether all these models are recorded as of this commit."""
    commits = {name: model.current.commit for name, model in record.models.items()}
    return bool(models) and all(commits.get(model) == commit for model in models)
