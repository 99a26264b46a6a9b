"""Which log entries a filter of Cloud Logging picks: comparisons joined by AND, and no more.

`=` compares a text as a whole and without regard to case, `=~` looks for a regular expression
anywhere in it: https://docs.cloud.google.com/logging/docs/view/logging-query-language#comparisons.
"""

import re
from typing import Any

Entry = dict[str, Any]
COMPARISON = re.compile(r'(?P<path>[\w.]+)(?P<operator>=~|=)"(?P<value>[^"]*)"')


def matches(log_filter: str, entry: Entry) -> bool:
    """Whether the filter picks the entry; raises ValueError for a filter that is not understood."""
    comparisons = log_filter.split(" AND ")
    return all(_holds(comparison, entry) for comparison in comparisons)


def _holds(comparison: str, entry: Entry) -> bool:
    match = COMPARISON.fullmatch(comparison)
    if match is None:
        raise ValueError(f"the stand-in does not understand {comparison!r}")
    text = _text(entry, match["path"])
    if text is None:
        return False
    if match["operator"] == "=~":
        return re.search(match["value"], text) is not None
    return text.lower() == match["value"].lower()


def _text(entry: Entry, path: str) -> str | None:
    """The text at `a.b` of the entry; None where there is none."""
    value: Any = entry
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value if isinstance(value, str) else None
