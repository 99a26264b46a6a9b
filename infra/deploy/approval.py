"""Compare a plan's actions with the approved ones.

A stack is applied only if its plan does nothing else.
"""

import json
from pathlib import Path
from typing import Any

from infra.errors import RefusedError, UsageError

NOTHING = ("no-op", "read")
Actions = dict[str, list[str]]  # "<stack>: <address>" -> what is done to it, in Terraform's words


def actions(stack: str, shown: dict[str, Any]) -> Actions:
    """Return a plan's actions by resource, from `terraform show -json`.

    Two plans with the same actions do the same.
    """
    changes = {
        f"{stack}: {change['address']}": change["change"]["actions"]
        for change in shown.get("resource_changes", [])
    }
    return {address: steps for address, steps in changes.items() if not set(steps) <= set(NOTHING)}


def read(file: Path) -> Actions:
    """Read the file of `plan --out`.

    Raises UsageError for any other file.
    """
    try:
        document: Actions = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} can't be read as the approved plan's actions: {error}") from None
    return document


def compare(stack: str, shown: dict[str, Any], approved: Actions) -> None:
    """Raise RefusedError for actions other than the approved ones.

    Fewer actions are fine: a run after a partial apply has fewer left.
    """
    differences = sorted(
        address
        for address, steps in actions(stack, shown).items()
        if approved.get(address) != steps
    )
    if differences:
        more = " ..." if len(differences) > 5 else ""
        summary = ", ".join(differences[:5]) + more
        raise RefusedError(
            "the plan is not the approved one any more, "
            f"{stack} and what follows it were not applied: {summary}"
        )
