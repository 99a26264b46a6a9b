"""Failures of checkov's that we live with: each says why, and until when."""

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

    The waiver holds on its last day, too. Unless `where` says what it depends on in environments.py,
    it is an error that it covers nothing.
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
    """The waivers of a file; a ValueError says which one is wrong and what is allowed."""
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if document.keys() - {"waiver"} or not isinstance(document.get("waiver", []), list):
        raise ValueError(
            f"{path} has the keys {', '.join(document)}, allowed are [[waiver]] tables"
        )
    return [
        _waiver(path, number, table) for number, table in enumerate(document.get("waiver", []), 1)
    ]


def apply(waivers: Sequence[Waiver], failures: Sequence[Failure], today: date) -> list[Failure]:
    """The failures that no waiver covers, and one more for each waiver that has ended or covers nothing."""
    left = [
        failure
        for failure in failures
        if not any(waiver.covers(failure) and waiver.until >= today for waiver in waivers)
    ]
    for waiver in waivers:
        if waiver.until < today:
            left.append(
                _useless(
                    waiver,
                    f"it ended on {waiver.until}",
                    "mend the resource and remove the waiver, or say why it needs longer",
                )
            )
        elif waiver.where is None and not any(waiver.covers(failure) for failure in failures):
            left.append(_useless(waiver, "it covers no failure", "remove it"))
    return left


def _useless(waiver: Waiver, why: str, remedy: str) -> Failure:
    return Failure(
        "waivers.toml", waiver.resource, waiver.check, f"the waiver is of no use: {why}", remedy
    )


def _waiver(path: Path, number: int, table: Any) -> Waiver:
    where = f"{path}: waiver {number}"
    if not isinstance(table, dict) or table.keys() - OPTIONAL.keys() != KEYS.keys():
        raise ValueError(
            f"{where} has {', '.join(table) or 'no keys'}, allowed are exactly {', '.join(KEYS)}, and where"
        )
    for key, kind in {
        **KEYS,
        **{key: kind for key, kind in OPTIONAL.items() if key in table},
    }.items():
        if type(table[key]) is not kind or table[key] == "":
            allowed = "a date such as 2027-06-30" if kind is date else "a text that is not empty"
            raise ValueError(f"{where}: {key} is {table[key]!r}, allowed is {allowed}")
    return Waiver(**table)
