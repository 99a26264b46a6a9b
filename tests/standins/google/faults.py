"""Faults that a test plants in the stand-in for Google's APIs: a call that is refused, or one that is done while its answer is lost."""

import re
from typing import NamedTuple

from tests.standins.google.error import RefusedError

LOST = 0  # as an answer: the call is done, and the connection is closed before its answer is sent


class Fault(NamedTuple):
    """What the first request of this method meets whose target (path and query, as sent) holds the pattern; used up by it."""

    method: str
    path_pattern: str
    answer: int  # an HTTP status that is answered instead of doing the call, or LOST

    def due(self, method: str, target: str) -> bool:
        return self.method == method and re.search(self.path_pattern, target) is not None


def take(faults: list[Fault], method: str, target: str) -> Fault | None:
    for fault in faults:
        if fault.due(method, target):
            faults.remove(fault)
            return fault
    return None


def refuse(fault: Fault, refusal: type[RefusedError]) -> None:
    if fault.answer != LOST:
        raise refusal(fault.answer, f"planted for {fault.method} {fault.path_pattern}")
