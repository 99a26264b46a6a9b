"""The loop itself: train, serve, be asked, notice, train again, and be better for it."""

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.components.paired_difference import Difference
from pipeline.model.folder import ModelFolder
from pipeline.progress import everything_else_to
from tests.loop import figure, replay
from tests.loop.rows import Rows
from tests.loop.steps import Steps
from tests.loop.story import Story
from tests.loop.trainers import Trainer, Training
from tests.loop.verbs import DONE_OR_NO, Verbs
from tests.pipeline.serving.server_process import Process

IS_DUE = "a retraining is due"  # as `monitor` begins to say it


class OverError(Exception):
    """The loop ends early: nobody has a reason to train again, or the gate refuses a model."""


@dataclass(frozen=True)
class Loop:
    """One pass; what its readers want of it is below `runs`."""

    story: Story
    folder: Path  # the story's copy of the model
    runs: Path
    steps: Steps
    trainer: Trainer
    verbs: Verbs  # for which the log is where `run` has it

    def run(self, bigquery_url: str) -> Difference:
        """The difference between the second model and the first; raises OverError."""
        folder = ModelFolder.load(f"{self.folder}/")
        rows = Rows.of(folder)
        early, late = self.story.early, self.story.late
        first = self._published(f"deliver, of the rows before {early}", early, self.trainer.first)
        self._asked(folder, rows, bigquery_url)
        self._noticed()
        name = f"ask for a retraining, on the rows before {late}"
        second = self._published(name, late, self.trainer.again)
        difference = self._compared(folder, first, second, rows)
        self._keep(difference)
        return difference

    def _published(self, name: str, until: date, train: Callable[[date], Training]) -> Path:
        """Have a version trained; return its folder, which `serve` and `monitor` find."""
        with self.steps.step(name) as step:
            training = train(until)
            step.outcome = training.sentence
        if training.published is None:
            raise OverError(training.sentence)
        published = self.runs / "store" / self.story.name / "published" / training.published.name
        if not published.exists():
            shutil.copytree(training.published, published)
        return published

    def _asked(self, folder: ModelFolder, rows: Rows, bigquery_url: str) -> None:
        """Serve the newest version, send it the rows between both trainings, log some of them."""
        story = self.story
        with ExitStack() as stack:
            with self.steps.step("serve it, and log a sample of its requests") as step:
                server: Process = stack.enter_context(
                    replay.model_server(story.name, self.runs, story.sampling_rate, bigquery_url)
                )
                step.outcome = f"port {server.port}, sampling rate {story.sampling_rate:g}"
            instances = rows.between(story.early, story.late).instances()
            with self.steps.step(f"ask it about the rows before {story.late}") as step:
                count = replay.ask(server, instances)
                step.outcome = f"{count} of {len(instances)} requests answered"
        time_column = folder.declaration.monitoring.time_column
        assert time_column is not None
        with self.steps.step("give the log the times of its rows: this is a replay") as step:
            with replay.client_of(bigquery_url) as client:
                logged = replay.with_own_times(client, time_column)
            step.outcome = f"{logged} of {count} requests are in the log"

    def _noticed(self) -> None:
        """Have each window judged; raises OverError where the last one asks for no retraining."""
        verdicts = [self._judged(day) for day in self.story.days]
        request = verdicts[-1]["retraining"] or "no retraining is asked for"
        if not request.startswith(IS_DUE):
            raise OverError(request)

    def _judged(self, day: date) -> dict[str, Any]:
        """The verdict on the window that ends with a day."""
        story = self.story
        log = ("--request-log", replay.REPLAY, "--runs", self.runs)
        flags = ("--date", day, "--request-retraining", "yes")
        with self.steps.step(f"monitor the {story.window_days} days until {day}") as step:
            arguments = ("monitor", story.name, *log, *flags)
            [verdict] = self.verbs.call(*arguments, codes=DONE_OR_NO)
            step.outcome = f"{verdict['verdict']}: {verdict['sentence']}"
        return dict(verdict)

    def _compared(self, folder: ModelFolder, old: Path, new: Path, rows: Rows) -> Difference:
        later = rows.since(self.story.late)
        metric = folder.declaration.gate.metric
        with self.steps.step(f"ask both about the rows from {self.story.late} on") as step:
            with everything_else_to(self.runs / "log.txt"):  # TensorFlow writes much
                difference = figure.difference(folder, old, new, later)
            step.outcome = (
                f"{metric} {difference.old:.4f} and {difference.new:.4f} on {len(later)} rows: "
                f"{difference.change:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"
            )
        return difference

    def _keep(self, difference: Difference) -> None:
        figures: dict[str, Any] = {
            "model": self.story.name,
            "steps": [vars(step) for step in self.steps.all],
            "difference": difference._asdict(),
        }
        text = json.dumps(figures, indent=2)
        (self.runs / "figures.json").write_text(f"{text}\n", encoding="utf-8")
