"""What a plan does, to be compared with what was approved: a stack is applied only if it does nothing else."""

import json
from pathlib import Path
from typing import Any

from infra.errors import RefusedError, UsageError

NOTHING = ("no-op", "read")
Actions = dict[str, list[str]]  # "<stack>: <address>" -> what is done to it, in Terraform's words


def actions(stack: str, shown: dict[str, Any]) -> Actions:
    """What a plan, as `terraform show -json` tells it, would do to what; two plans that agree in it do the same."""
    changes = {
        f"{stack}: {change['address']}": change["change"]["actions"]
        for change in shown.get("resource_changes", [])
    }
    return {address: done for address, done in changes.items() if not set(done) <= set(NOTHING)}


def read(file: Path) -> Actions:
    """Raises UsageError for a file that is not what `plan --out` wrote."""
    try:
        approved: Actions = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} can't be read as the approved plan's actions: {error}") from None
    return approved


def compare(stack: str, shown: dict[str, Any], approved: Actions) -> None:
    """Raises RefusedError where the plan does something that was not approved.

    Less is no harm: it is what a run leaves that failed half-way and is run again.
    """
    if different := sorted(
        address for address, done in actions(stack, shown).items() if approved.get(address) != done
    ):
        first = ", ".join(different[:5]) + (" ..." if len(different) > 5 else "")
        raise RefusedError(
            f"the plan is not the approved one any more, {stack} and what follows it were not applied: {first}"
        )
