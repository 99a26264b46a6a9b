"""A request on its way to the model, and why the model may not be asked."""

import asyncio
from collections.abc import Callable
from typing import Any

Answers = list[Any]  # one for each record
REASONS = ("full", "late", "timeout", "left")


class ShedError(Exception):
    """A request not put to the model: `reason` is one of REASONS.

    full: too much waits; late: this one has waited too long; timeout: its own deadline has passed;
    left: its client is gone.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Waiting:
    """A request's records on their way to the model."""

    __slots__ = ("answer", "arrival", "deadline", "left", "records")

    def __init__(
        self,
        records: list[bytes],
        answer: asyncio.Future[Answers],
        arrival: float,
        deadline: float,
        left: Callable[[], bool],
    ) -> None:
        self.records = records
        self.answer = answer
        self.arrival = arrival
        self.deadline = deadline
        self.left = left

    def expiry(self, now: float, maximum_seconds: float) -> str | None:
        """The reason to shed it now, if there is one."""
        if self.answer.done():  # given up by the server itself
            return "left"
        if self.deadline <= now:
            return "timeout"
        if now - self.arrival > maximum_seconds:
            return "late"
        return None

    def shed(self, reason: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(ShedError(reason))


Batch = list[Waiting]
