"""Concurrent requests share a batch.

Requests that queued while the last batch ran go together, and none is delayed to fill a batch.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MAXIMUM_BATCH = 1000  # records; a request is never split

Answers = list[Any]  # one for each record
Run = Callable[[list[bytes], str], Answers]  # of records, by the signature of this name
Waiting = tuple[list[bytes], asyncio.Future[Answers]]


class Batcher:
    """Runs a model in one thread of its own; each signature has batches of its own.

    All methods belong to the event loop.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._queues: dict[str, list[Waiting]] = {}
        self._working: asyncio.Task[None] | None = None

    async def submit(self, records: list[bytes], signature: str) -> Answers:
        """Return the answers to these records; raise what the model raised at them alone."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answers] = loop.create_future()
        queue = self._queues.setdefault(signature, [])
        queue.append((records, answer))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self._queues:
            signature = next(iter(self._queues))
            queue = self._queues.pop(signature)
            batch, remainder = _cut(queue)
            if remainder:
                self._queues[signature] = remainder  # behind the other signatures
            await self._answer(batch, signature)

    async def _answer(self, batch: list[Waiting], signature: str) -> None:
        records = [record for share, _ in batch for record in share]
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(self._thread, self._run, records, signature)
            if len(answers) != len(records):
                raise RuntimeError(
                    f"{signature} has {len(answers)} answers to {len(records)} records"
                )
        except Exception as error:
            await self._fail(batch, signature, error)
            return
        for request_records, answer in batch:
            count = len(request_records)
            share, answers = answers[:count], answers[count:]
            if not answer.done():  # its request may have been given up
                answer.set_result(share)

    async def _fail(self, batch: list[Waiting], signature: str, error: Exception) -> None:
        """Ask each request of the batch alone; one that was alone gets the error."""
        if len(batch) > 1:
            for request in batch:
                await self._answer([request], signature)
            return
        [(_, answer)] = batch
        if not answer.done():
            answer.set_exception(error)


def _cut(queue: list[Waiting]) -> tuple[list[Waiting], list[Waiting]]:
    """Split the first batch, of at least one request, from the rest."""
    total = 0
    for place, (records, _) in enumerate(queue):
        total += len(records)
        if place and total > MAXIMUM_BATCH:
            return queue[:place], queue[place:]
    return queue, []
