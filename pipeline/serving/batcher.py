"""Concurrent requests share a batch.

Requests that queued while the last batch ran go together, and none waits for company.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MAXIMUM_BATCH = 1000  # records; a request is never split

Run = Callable[[list[bytes], str], list[Any]]  # records and a signature to an answer a record
Waiting = tuple[list[bytes], asyncio.Future[list[Any]]]


class Batcher:
    """Runs a model in one thread of its own; each signature has batches of its own.

    All methods belong to the event loop.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._queues: dict[str, list[Waiting]] = {}
        self._working: asyncio.Task[None] | None = None

    async def submit(self, records: list[bytes], signature: str) -> list[Any]:
        """The answers to these records.

        It raises what the model raised at them, never at a neighbour's.
        """
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(signature, []).append((records, answer))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self._queues:
            signature = next(iter(self._queues))
            batch, remainder = _cut(self._queues.pop(signature))
            if remainder:
                self._queues[signature] = remainder  # behind the other signatures
            await self._answer(batch, signature)

    async def _answer(self, batch: list[Waiting], signature: str) -> None:
        records = [record for share, _ in batch for record in share]
        try:
            answers = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._run, records, signature
            )
            if len(answers) != len(records):
                raise RuntimeError(
                    f"{signature} has {len(answers)} answers to {len(records)} records"
                )
        except Exception as error:
            if len(batch) > 1:
                for request in batch:
                    await self._answer([request], signature)
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for request_records, answer in batch:
            share, answers = answers[: len(request_records)], answers[len(request_records) :]
            if not answer.done():  # its request may have been given up
                answer.set_result(share)


def _cut(queue: list[Waiting]) -> tuple[list[Waiting], list[Waiting]]:
    """Split the first batch, of at least one request, from the rest."""
    total = 0
    for place, (records, _) in enumerate(queue):
        total += len(records)
        if place and total > MAXIMUM_BATCH:
            return queue[:place], queue[place:]
    return queue, []
