"""Hide a plan's sensitive values wherever else a text repeats them.

The plan marks them as sensitive.
"""

import json
from collections.abc import Iterator
from typing import Any

HIDDEN = "(sensitive value)"
# A sensitive `1` or `no` would black out half the text, and hide nothing that cannot be guessed.
SHORTEST = 4


def hidden(text: str, shown: dict[str, Any]) -> str:
    """Return the text without the sensitive values of a plan.

    `shown` is the plan as `terraform show -json` tells it.
    """
    for value in sorted(_written(set(_marked(shown))), key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return text


def _marked(plan_json: dict[str, Any]) -> Iterator[str]:
    changes = [
        resource["change"]
        for key in ("resource_changes", "resource_drift")
        for resource in plan_json.get(key) or ()
    ]
    for change in [*changes, *(plan_json.get("output_changes") or {}).values()]:
        for side in ("before", "after"):
            yield from _strings(change.get(side), change.get(f"{side}_sensitive"))


def _strings(value: Any, marks: Any) -> Iterator[str]:
    """Yield the strings of a value under its marks.

    The marks are a value of the same shape, with True at what is sensitive.
    """
    if isinstance(value, str) and marks is True:
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _strings(part, marks.get(key) if isinstance(marks, dict) else marks)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            has_own_mark = isinstance(marks, list) and index < len(marks)
            yield from _strings(part, marks[index] if has_own_mark else marks)


def _written(values: set[str]) -> set[str]:
    """How the values may stand in a text: escaped, or over several lines."""
    lines = {line.strip() for value in values for line in value.splitlines()}
    return {
        form
        for value in values | lines
        for form in (value, json.dumps(value)[1:-1])
        if len(form) >= SHORTEST
    }
