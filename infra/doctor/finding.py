"""What the doctor's checks find: something is there, it is missing, or nobody could be asked."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

State = Literal["ok", "missing", "not asked"]
AT_ONCE = 16  # checks wait for others' answers, each host's in turn


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    `mend` is a command, or what to do where there is none.
    """

    subject: str
    state: State
    detail: str
    mend: str = ""

    def __str__(self) -> str:
        return _with_remedy(f"{self.state}: {self.subject}: {self.detail}", self.mend)


class NotAskedError(Exception):
    """One sentence on why there is no answer.

    `mend` is given where one can do something about it, `status` where HTTP has said no.
    """

    def __init__(self, sentence: str, mend: str = "", *, status: int = 0) -> None:
        super().__init__(sentence)
        self.mend, self.status = mend, status

    @property
    def sentence(self) -> str:
        """The reason for a missing answer, and its remedy if any."""
        return _with_remedy(str(self), self.mend)


def _with_remedy(sentence: str, mend: str) -> str:
    return f"{sentence}; {mend}" if mend else sentence


class UnreachableError(NotAskedError):
    """No answer came, or it was lost."""


class ForbiddenError(NotAskedError):
    """The account may not ask."""


@dataclass(frozen=True)
class Check:
    """`look` is given the subject, and may raise NotAskedError."""

    subject: str
    look: Callable[[str], Finding]

    @classmethod
    def of(cls, subject: str, look: Callable[..., Finding], **inputs: object) -> "Check":
        return cls(subject, partial(look, **inputs))

    def finding(self) -> Finding:
        try:
            return self.look(self.subject)
        except NotAskedError as error:
            return Finding(self.subject, "not asked", str(error), error.mend)

    def instead(self, reason: str) -> "Check":
        """The same subject, not asked for this reason."""
        return Check(self.subject, lambda subject: Finding(subject, "not asked", reason))


def ok(subject: str, detail: str) -> Finding:
    return Finding(subject, "ok", detail)


def missing(subject: str, detail: str, mend: str) -> Finding:
    return Finding(subject, "missing", detail, mend)


def findings(checks: Sequence[Check]) -> list[Finding]:
    """Run all checks at once, since most of them wait; the findings keep their order."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(Check.finding, checks))
