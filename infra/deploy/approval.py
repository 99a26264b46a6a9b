"""Compare a plan's actions with the approved ones.

A stack is applied only if its plan does nothing else.
"""

import json
from pathlib import Path

from infra.deploy.terraform import Document
from infra.errors import RefusedError, UsageError

NOTHING = frozenset({"no-op", "read"})
MOST_ADDRESSES = 5  # that a refusal names
# "<stack>: <address>" -> what is done to it, in Terraform's words. A deposed object is one that a
# replacement has left behind: it has the address of its successor, and a key of its own.
# https://developer.hashicorp.com/terraform/internals/json-format#change-representation
Actions = dict[str, list[str]]


def actions(stack: str, shown: Document) -> Actions:
    """Return a plan's actions by resource, from `terraform show -json`.

    Two plans with the same actions do the same.
    """
    changes: Actions = {}
    for resource in shown.get("resource_changes", []):
        steps = resource["change"]["actions"]
        changes[f"{stack}: {_object(resource)}"] = steps
    return {address: steps for address, steps in changes.items() if not set(steps) <= NOTHING}


def _object(resource: Document) -> str:
    address: str = resource["address"]
    deposed_key = resource.get("deposed")
    if deposed_key:
        return f"{address} (deposed {deposed_key})"
    return address


def read(file: Path) -> Actions:
    """Read the file of `plan --out`.

    Raises UsageError for any other file.
    """
    try:
        text = file.read_text(encoding="utf-8")
        document: Actions = json.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} can't be read as the approved plan's actions: {error}") from None
    return document


def compare(stack: str, shown: Document, approved: Actions) -> None:
    """Raise RefusedError for actions other than the approved ones.

    Fewer actions are fine: a run after a partial apply has fewer left.
    """
    planned = actions(stack, shown)
    differences = sorted(
        address for address, steps in planned.items() if approved.get(address) != steps
    )
    if differences:
        summary = ", ".join(differences[:MOST_ADDRESSES])
        if len(differences) > MOST_ADDRESSES:
            summary += " ..."
        raise RefusedError(
            "the plan is not the approved one any more, "
            f"{stack} and what follows it were not applied: {summary}"
        )
