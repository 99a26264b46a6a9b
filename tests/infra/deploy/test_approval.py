"""The scope of a plan's approval: the same actions on the same objects, or fewer."""

import pytest

from infra.deploy import approval
from infra.errors import RefusedError

NAME = "google_storage_bucket.B"


def change(*actions: str, **fields: str) -> dict[str, object]:
    return {"address": NAME, "change": {"actions": list(actions)}, **fields}


def shown(*changes: dict[str, object]) -> dict[str, object]:
    return {"resource_changes": list(changes)}


DEPOSED = change("delete", deposed="0a1b2c3d")


def test_a_deposed_object_is_not_its_successor() -> None:
    actions = approval.actions("serving-dev", shown(DEPOSED, change("update")))

    assert actions == {
        f"serving-dev: {NAME} (deposed 0a1b2c3d)": ["delete"],
        f"serving-dev: {NAME}": ["update"],
    }


def test_a_deposed_object_that_nobody_has_approved_is_not_destroyed() -> None:
    approved = approval.actions("serving-dev", shown(change("update")))
    planned = shown(DEPOSED, change("update"))

    with pytest.raises(RefusedError, match=r"deposed 0a1b2c3d"):
        approval.compare("serving-dev", planned, approved)


def test_less_than_was_approved_is_applied() -> None:
    approved = approval.actions("serving-dev", shown(DEPOSED, change("update")))

    approval.compare("serving-dev", shown(change("update")), approved)
