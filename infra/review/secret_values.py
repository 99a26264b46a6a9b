"""Hide a plan's sensitive values wherever else a text repeats them.

The plan marks them as sensitive.
"""

import json
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
HIDDEN = "(sensitive value)"
# A sensitive `1` or `no` would black out half the text, and hide nothing that cannot be guessed.
SHORTEST = 4


def hidden(text: str, shown: Document) -> str:
    """Return the text without the sensitive values of a plan.

    `shown` is the plan as `terraform show -json` tells it.
    """
    values = set(_marked(shown))
    longest_first = sorted(_written(values), key=len, reverse=True)
    for form in longest_first:
        text = text.replace(form, HIDDEN)
    return text


def _marked(plan_json: Document) -> Iterator[str]:
    for change in _changes(plan_json):
        for side in ("before", "after"):
            marks = change.get(f"{side}_sensitive")
            yield from _strings(change.get(side), marks)


def _changes(plan_json: Document) -> Iterator[Document]:
    for key in ("resource_changes", "resource_drift"):
        resources = plan_json.get(key) or ()
        for resource in resources:
            yield resource["change"]
    outputs = plan_json.get("output_changes") or {}
    yield from outputs.values()


def _strings(value: Any, marks: Any) -> Iterator[str]:
    """Yield the strings of a value under its marks.

    The marks are a value of the same shape, with True at what is sensitive.
    """
    if isinstance(value, str) and marks is True:
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            part_marks = marks.get(key) if isinstance(marks, dict) else marks
            yield from _strings(part, part_marks)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            has_own_mark = isinstance(marks, list) and index < len(marks)
            part_marks = marks[index] if has_own_mark else marks
            yield from _strings(part, part_marks)


def _written(values: set[str]) -> set[str]:
    """How the values may stand in a text: escaped, or over several lines."""
    lines = {line.strip() for value in values for line in value.splitlines()}
    texts = values | lines
    escaped_texts = {json.dumps(text)[1:-1] for text in texts}
    return {form for form in texts | escaped_texts if len(form) >= SHORTEST}
