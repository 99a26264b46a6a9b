"""Tolerated failures of checkov's, each with a reason and an end."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from infra.policy.failure import Failure

KEYS = {"check": str, "resource": str, "reason": str, "until": date}
OPTIONAL = {"where": str}


@dataclass(frozen=True)
class Waiver:
    """`resource` is an address, or a pattern of `<stack>:<address>` with * and ?.

    A waiver is valid through its last day. One that covers nothing is an error, unless `where`
    names the value in the team's files it depends on.
    """

    check: str
    resource: str
    reason: str
    until: date
    where: str | None = None

    def covers(self, failure: Failure) -> bool:
        if failure.check != self.check:
            return False
        places = (failure.address, f"{failure.stack}:{failure.address}")
        return any(fnmatchcase(place, self.resource) for place in places)


def load(path: Path) -> list[Waiver]:
    """Return the waivers of a file.

    A ValueError says which one is wrong and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    tables = document.get("waiver", [])
    foreign_keys = document.keys() - {"waiver"}
    if foreign_keys or not isinstance(tables, list):
        keys = ", ".join(document)
        raise ValueError(f"{path} has the keys {keys}, allowed are [[waiver]] tables")
    return [_waiver(path, number, table) for number, table in enumerate(tables, 1)]


def apply(waivers: Sequence[Waiver], failures: Sequence[Failure], today: date) -> list[Failure]:
    """Return the unwaived failures, and one more for each expired or unused waiver."""
    valid = [waiver for waiver in waivers if waiver.until >= today]
    remainder = [failure for failure in failures if not _is_covered(failure, valid)]
    for waiver in waivers:
        if waiver.until < today:
            remedy = "fix the resource and remove the waiver, or say why it needs longer"
            remainder.append(_useless(waiver, f"it ended on {waiver.until}", remedy))
        elif waiver.where is None and not _covers_any(waiver, failures):
            remainder.append(_useless(waiver, "it covers no failure", "remove it"))
    return remainder


def _is_covered(failure: Failure, waivers: Sequence[Waiver]) -> bool:
    return any(waiver.covers(failure) for waiver in waivers)


def _covers_any(waiver: Waiver, failures: Sequence[Failure]) -> bool:
    return any(waiver.covers(failure) for failure in failures)


def _useless(waiver: Waiver, reason: str, remedy: str) -> Failure:
    sentence = f"the waiver is of no use: {reason}"
    return Failure("waivers.toml", waiver.resource, waiver.check, sentence, remedy)


def _waiver(path: Path, number: int, table: Any) -> Waiver:
    place = f"{path}: waiver {number}"
    if not isinstance(table, dict) or table.keys() - OPTIONAL.keys() != KEYS.keys():
        keys = ", ".join(table) or "no keys"
        allowed_keys = ", ".join(KEYS)
        raise ValueError(f"{place} has {keys}, allowed are exactly {allowed_keys}, and where")
    kinds = {**KEYS, **OPTIONAL}
    for key in kinds:
        if key in table and (problem := _problem(table[key], kinds[key])):
            raise ValueError(f"{place}: {key} is {problem}")
    return Waiver(**table)


def _problem(value: Any, kind: type) -> str:
    """Say what is wrong with a key's value, and what is allowed; nothing if it is of its kind."""
    if type(value) is kind and value != "":
        return ""
    allowed = "a date such as 2027-06-30" if kind is date else "a text that is not empty"
    return f"{value!r}, allowed is {allowed}"
