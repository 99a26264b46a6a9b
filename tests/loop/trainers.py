"""Who trains and publishes: this machine, or a stage whose cloud is made of stand-ins."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from tests.loop.verbs import DONE_OR_NO, Verbs
from tests.pipeline.scenarios import scratch as scratches
from tests.pipeline.scenarios.scratch import Scratch

STAGE = "dev"
TAG = "loop"
YESTERDAY = "20260101"  # any day but today: a retraining is a new run once a day


@dataclass(frozen=True, kw_only=True)
class Training:
    """What came of one; `published` is None where the gate refused the model."""

    published: Path | None
    sentence: str


class Trainer(Protocol):
    def first(self, until: date) -> Training:
        """Train on the rows before a day, and publish."""

    def again(self, until: date) -> Training:
        """The same, as the monitor's request has it done."""


@dataclass(frozen=True)
class Here:
    """`run --until` in the loop's own folder."""

    folder: Path
    runs: Path
    verbs: Verbs

    def first(self, until: date) -> Training:
        arguments = ("--until", until, "--runs", self.runs)
        summary = self.verbs.call("run", f"{self.folder}/", *arguments, codes=DONE_OR_NO)
        published = summary["decision"]["published"]
        return Training(
            published=Path(published) if published else None,
            sentence=sentence(summary),
        )

    def again(self, until: date) -> Training:
        return self.first(until)


@dataclass(frozen=True)
class InStage:
    """The delivery to a stage, and its trigger for retrainings.

    The images are taken as built: no job of the stand-in runs in them.
    """

    scratch: Scratch
    model: str

    def first(self, until: date) -> Training:
        scratch = self.scratch
        scratch.vertex.end = until
        commit = scratch.take_as_built(STAGE, TAG)
        stage = ("--env", STAGE, "--commit", commit)
        process = scratch.run("deliver", *stage, "--models", self.model, "--tag", TAG)
        if process.returncode not in DONE_OR_NO:
            raise RuntimeError(f"the delivery failed: {process.stderr[-2000:]}")
        return self._training("1")

    def again(self, until: date) -> Training:
        scratch = self.scratch
        scratch.vertex.end = until
        self._make_older()
        request = scratch.ask_to_retrain(STAGE, self.model)
        self._succeeded(request)
        *_, delivery = scratch.builds()
        self._succeeded(delivery)
        return self._training("2")

    def _make_older(self) -> None:
        """Let the run before be of another day."""
        [job] = [
            body
            for (product, name), body in self.scratch.google.objects.items()
            if product == "vertex_ai" and "/pipelineJobs/" in name
        ]
        labels = {**job["labels"], "end": YESTERDAY}
        self.scratch.google.change("vertex_ai", job["name"], labels=labels)

    def _succeeded(self, build: dict[str, Any]) -> None:
        outcome = self.scratch.ended(build["id"])
        if outcome.status != "SUCCESS":
            raise RuntimeError(f"the build ended as {outcome.status}: {outcome.output[-2000:]}")

    def _training(self, number: str) -> Training:
        """What is recorded as the version of this number."""
        record = self.scratch.record(STAGE)["models"].get(self.model)
        if record is None or record["current"]["registry_version"] != number:
            return Training(published=None, sentence="the gate refuses it")
        steps = ", ".join(str(share) for share in record["current"]["passed"]["traffic_steps"])
        summary = self.scratch.summary(STAGE, self.model)
        return Training(
            published=self._newest(),
            sentence=f"{sentence(summary)}; version {number} took {steps} % in turn",
        )

    def _newest(self) -> Path:
        """The folder that the newest job's twin has published."""
        bucket = self.scratch.names(STAGE).bucket("artifacts")
        runs = self.scratch.vertex.place / bucket / self.model / "runs"
        published = runs / "rehearsal" / self.model / "published"
        return max(published.iterdir())


def sentence(summary: dict[str, Any]) -> str:
    """How a run ended, and how its model compares with the last one on newer rows."""
    comparison = summary["newer_rows"]
    sentences = [comparison["sentence"]] if comparison else []
    return "; ".join([*sentences, summary["decision"]["reason"]])


@contextmanager
def stage(place: Path, folder: Path) -> Iterator[InStage]:
    """A scratch project of this model, delivered to the stand-ins alone."""
    with scratches.project(place, folder) as scratch:
        scratch.stop_promotions()
        yield InStage(scratch, folder.name)
