"""Hide the values that a plan marks as sensitive, wherever else a text repeats them."""

import json
from collections.abc import Iterator
from typing import Any

HIDDEN = "(sensitive value)"
SHORTEST = 4  # a sensitive `1` or `no` would black out half the text, and hide nothing that cannot be guessed


def hidden(text: str, shown: dict[str, Any]) -> str:
    """The text without the sensitive values of the plan whose `terraform show -json` is given."""
    for value in sorted(_written(set(_marked(shown))), key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return text


def _marked(shown: dict[str, Any]) -> Iterator[str]:
    changes = [
        resource["change"]
        for key in ("resource_changes", "resource_drift")
        for resource in shown.get(key) or ()
    ]
    for change in [*changes, *(shown.get("output_changes") or {}).values()]:
        for side in ("before", "after"):
            yield from _strings(change.get(side), change.get(f"{side}_sensitive"))


def _strings(value: Any, marks: Any) -> Iterator[str]:
    """The strings of a value that its marks, a value of the same shape with True at what is sensitive, cover."""
    if isinstance(value, str) and marks is True:
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _strings(part, marks.get(key) if isinstance(marks, dict) else marks)
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from _strings(
                part, marks[at] if isinstance(marks, list) and at < len(marks) else marks
            )


def _written(values: set[str]) -> set[str]:
    """How the values may stand in a text: escaped, or over several lines."""
    lines = {line.strip() for value in values for line in value.splitlines()}
    return {
        form
        for value in values | lines
        for form in (value, json.dumps(value)[1:-1])
        if len(form) >= SHORTEST
    }
