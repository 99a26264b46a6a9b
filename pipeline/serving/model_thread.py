"""The thread of a running model."""

import asyncio
import contextlib
from collections.abc import Callable
from queue import SimpleQueue

from pipeline.serving.waiting import Answers, Batch

Run = Callable[[list[bytes], str], Answers]  # of records, by the signature of this name
Finish = Callable[[Batch, str, Answers, Exception | None], None]
Job = tuple[Batch, str, asyncio.AbstractEventLoop, Finish]


class ModelThread:
    """The model's thread: it takes a job and tells the job's event loop how it ended.

    An executor of the standard library makes two futures for each batch, and waits for the model
    at the process's end.
    """

    def __init__(self, run: Run, jobs: SimpleQueue[Job | None]) -> None:
        self._run = run
        self._jobs = jobs

    def work(self) -> None:
        while job := self._jobs.get():
            self._do(*job)
            del job  # it holds the batcher, which ends this thread when nobody does

    def _do(
        self, batch: Batch, signature: str, loop: asyncio.AbstractEventLoop, finish: Finish
    ) -> None:
        answers: Answers = []
        error: Exception | None = None
        try:
            answers = self._answers(batch, signature)
        except Exception as failure:
            error = failure
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(finish, batch, signature, answers, error)

    def _answers(self, batch: Batch, signature: str) -> Answers:
        records = [record for waiting in batch for record in waiting.records]
        answers = self._run(records, signature)
        if len(answers) != len(records):
            raise RuntimeError(f"{signature} has {len(answers)} answers to {len(records)} records")
        return answers
