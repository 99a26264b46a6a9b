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
        places = (failure.address, f"{failure.stack}:{failure.address}")
        return failure.check == self.check and any(
            fnmatchcase(place, self.resource) for place in places
        )


def load(path: Path) -> list[Waiver]:
    """Return the waivers of a file.

    A ValueError says which one is wrong and what is allowed.
    """
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if document.keys() - {"waiver"} or not isinstance(document.get("waiver", []), list):
        raise ValueError(
            f"{path} has the keys {', '.join(document)}, allowed are [[waiver]] tables"
        )
    tables = document.get("waiver", [])
    return [_waiver(path, number, table) for number, table in enumerate(tables, 1)]


def apply(waivers: Sequence[Waiver], failures: Sequence[Failure], today: date) -> list[Failure]:
    """Return the unwaived failures, and one more for each expired or unused waiver."""
    valid = [waiver for waiver in waivers if waiver.until >= today]
    remainder = [
        failure for failure in failures if not any(waiver.covers(failure) for waiver in valid)
    ]
    for waiver in waivers:
        if waiver.until < today:
            remainder.append(
                _useless(
                    waiver,
                    f"it ended on {waiver.until}",
                    "mend the resource and remove the waiver, or say why it needs longer",
                )
            )
            continue
        covers_nothing = not any(waiver.covers(failure) for failure in failures)
        if waiver.where is None and covers_nothing:
            remainder.append(_useless(waiver, "it covers no failure", "remove it"))
    return remainder


def _useless(waiver: Waiver, reason: str, remedy: str) -> Failure:
    return Failure(
        "waivers.toml", waiver.resource, waiver.check, f"the waiver is of no use: {reason}", remedy
    )


def _waiver(path: Path, number: int, table: Any) -> Waiver:
    place = f"{path}: waiver {number}"
    if not isinstance(table, dict) or table.keys() - OPTIONAL.keys() != KEYS.keys():
        raise ValueError(
            f"{place} has {', '.join(table) or 'no keys'}, "
            f"allowed are exactly {', '.join(KEYS)}, and where"
        )
    optional_kinds = {key: kind for key, kind in OPTIONAL.items() if key in table}
    for key, kind in {**KEYS, **optional_kinds}.items():
        if type(table[key]) is not kind or table[key] == "":
            allowed = "a date such as 2027-06-30" if kind is date else "a text that is not empty"
            raise ValueError(f"{place}: {key} is {table[key]!r}, allowed is {allowed}")
    return Waiver(**table)
