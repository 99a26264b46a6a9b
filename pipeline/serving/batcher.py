"""Joins concurrent requests into batches, and bounds the queue for the model.

Requests that queued while the last batch ran go together, and none is delayed to fill a batch.
"""

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import Callable
from math import inf
from queue import SimpleQueue

from pipeline.serving.model_thread import Job, ModelThread, Run
from pipeline.serving.waiting import Answers, Batch, ShedError, Waiting

MAXIMUM_BATCH = 1000  # records; a request is never split
MAXIMUM_REQUESTS = 2000  # that wait: each holds a connection
MAXIMUM_RECORDS = 10_000  # that wait: ten of the largest requests
MAXIMUM_SECONDS = 1.0  # that one waits
FORGETTING = 0.9  # of a batch's duration, with each batch that is shorter
SWEEP_SECONDS = 0.05  # between two looks for who has waited too long


class Batcher:
    """Runs a model in one thread of its own; each signature has batches of its own.

    All methods belong to the event loop. `ran` is told the number of records of each batch.
    """

    def __init__(
        self,
        run: Run,
        *,
        maximum_batch: int = MAXIMUM_BATCH,
        maximum_requests: int = MAXIMUM_REQUESTS,
        maximum_records: int = MAXIMUM_RECORDS,
        maximum_seconds: float = MAXIMUM_SECONDS,
        ran: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.depth = 0  # records that wait
        self._requests = 0  # that wait
        self._batch_seconds = 0.0  # that a batch takes, the longest of the last ones
        self._start = 0.0  # of the batch that the model has
        self._maximum_batch = maximum_batch
        self._maximum_requests = maximum_requests
        self._maximum_records = maximum_records
        self._maximum_seconds = maximum_seconds
        self._ran = ran
        self._queues: dict[str, deque[Waiting]] = {}
        self._halves: list[tuple[str, Batch]] = []  # of a batch that failed
        self._busy = False
        self._sweeper: asyncio.TimerHandle | None = None
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        model = ModelThread(run, self._jobs)
        threading.Thread(target=model.work, name="model", daemon=True).start()
        # A swapped model's last requests keep its batcher; the thread ends after them.
        weakref.finalize(self, self._jobs.put, None)

    @property
    def full(self) -> bool:
        """Whether not even the smallest request has room."""
        return not self._has_room(1)

    def _has_room(self, count: int) -> bool:
        """Whether this many records may wait, since the model will soon come to them."""
        if not self._requests:
            return True
        depth = self.depth + count
        if self._requests >= self._maximum_requests or depth > self._maximum_records:
            return False
        batches = depth // self._maximum_batch
        # Half of the time: it is an estimate, and nobody is to wait for a refusal.
        return batches * self._batch_seconds <= self._maximum_seconds / 2

    def age(self) -> float:
        """The seconds of the oldest request's wait; 0 without one."""
        arrivals = [queue[0].arrival for queue in self._queues.values()]
        if not arrivals:
            return 0.0
        return asyncio.get_running_loop().time() - min(arrivals)

    async def submit(
        self,
        records: list[bytes],
        signature: str,
        *,
        deadline: float = inf,
        left: Callable[[], bool] = lambda: False,
    ) -> Answers:
        """Return the answers to these records; raise the model's error on them alone.

        Raises ShedError if the model is not asked: there is no room, `deadline` has passed by the
        loop's clock, or `left` says that nobody waits.
        """
        count = len(records)
        if not self._has_room(count):
            raise ShedError("full")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answers] = loop.create_future()
        waiting = Waiting(records, answer, loop.time(), deadline, left)
        self._queues.setdefault(signature, deque()).append(waiting)
        self.depth += count
        self._requests += 1
        if not self._busy:
            self._next(loop)
        elif self._sweeper is None:
            self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep, loop)
        return await answer

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand the model its next batch, if anything waits."""
        while self._halves or self._queues:
            signature, candidates = self._halves.pop() if self._halves else self._cut()
            now = loop.time()
            batch = [waiting for waiting in candidates if self._keeps(waiting, now)]
            if batch:
                self._busy = True
                self._start = now
                self._jobs.put((batch, signature, loop, self._finish))
                return
        self._busy = False

    def _keeps(self, waiting: Waiting, now: float) -> bool:
        reason = waiting.expiry(now, self._maximum_seconds)
        if reason is None and waiting.left():
            reason = "left"
        if reason is None:
            return True
        waiting.shed(reason)
        return False

    def _cut(self) -> tuple[str, Batch]:
        """Take the first batch, of at least one request, from the queue of the next signature."""
        signature = next(iter(self._queues))
        queue = self._queues.pop(signature)
        batch = [queue.popleft()]
        total = len(batch[0].records)
        while queue and total + len(queue[0].records) <= self._maximum_batch:
            waiting = queue.popleft()
            total += len(waiting.records)
            batch.append(waiting)
        self.depth -= total
        self._requests -= len(batch)
        if queue:
            self._queues[signature] = queue  # behind the other signatures
        return signature, batch

    def _finish(
        self, batch: Batch, signature: str, answers: Answers, error: Exception | None
    ) -> None:
        loop = asyncio.get_running_loop()
        seconds = loop.time() - self._start
        self._batch_seconds = max(seconds, FORGETTING * self._batch_seconds)
        if error is None:
            self._ran(len(answers))
            self._answer(batch, answers)
        elif len(batch) > 1:
            # The request that the model fails at is found by halves; the others have their answers.
            half = len(batch) // 2
            self._halves += [(signature, batch[half:]), (signature, batch[:half])]
        elif not batch[0].answer.done():
            batch[0].answer.set_exception(error)
        self._next(loop)

    def _answer(self, batch: Batch, answers: Answers) -> None:
        start = 0
        for waiting in batch:
            end = start + len(waiting.records)
            if not waiting.answer.done():  # its request may have been given up
                waiting.answer.set_result(answers[start:end])
            start = end

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Shed overdue requests while the model is busy with a batch."""
        self._sweeper = None
        now = loop.time()
        for signature, queue in list(self._queues.items()):
            kept: deque[Waiting] = deque()
            for waiting in queue:
                reason = waiting.expiry(now, self._maximum_seconds)
                if reason is None:
                    kept.append(waiting)
                    continue
                self.depth -= len(waiting.records)
                self._requests -= 1
                waiting.shed(reason)
            self._queues[signature] = kept
            if not kept:
                del self._queues[signature]
        if self._queues:
            self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep, loop)
