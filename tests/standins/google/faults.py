"""Faults planted by a test in the stand-in for Google's APIs.

A call is refused, or it is done while its answer is lost.
"""

import re
from typing import NamedTuple

from tests.standins.google.error import RefusedError

LOST = 0  # as an answer: the call is done, and the connection is closed before its answer is sent
PASSED = (
    200  # as an answer: the call is done and answered, so that the next fault hits the next call
)


class Fault(NamedTuple):
    """A fault for the first matching request, used up by it.

    A request matches by its method, and by a target (path and query, as sent) that holds the
    pattern.
    """

    method: str
    path_pattern: str
    answer: int  # an HTTP status that is answered instead of doing the call, or one of the above

    def due(self, method: str, target: str) -> bool:
        return self.method == method and re.search(self.path_pattern, target) is not None


def take(faults: list[Fault], method: str, target: str) -> Fault | None:
    for fault in faults:
        if fault.due(method, target):
            faults.remove(fault)
            return fault
    return None


def refuse(fault: Fault, refusal: type[RefusedError]) -> None:
    if fault.answer not in (LOST, PASSED):
        raise refusal(fault.answer, f"planted for {fault.method} {fault.path_pattern}")
