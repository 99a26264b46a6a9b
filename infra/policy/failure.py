"""A failure of policy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """One failed check or refusal.

    `check` is the id of checkov's check or the name of a refusal of ours; `remedy` what to do about
    it.
    """

    stack: str
    address: str
    check: str
    sentence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.stack} {self.address}: {self.check}: {self.sentence}; {self.remedy}"
