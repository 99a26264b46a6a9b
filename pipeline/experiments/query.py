"""Which runs are asked for: `auc > 0.9 and tag = x`, and in which order.

A name is a column's, a metric's or a hyperparameter's. A run without a value for it never matches,
and neither does NaN.
"""

import difflib
import math
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeAlias

from pipeline.errors import ConfigurationError
from pipeline.experiments.row import Row
from settings.values import shown

COLUMNS = ("run", "place", "model", "state", "started", "seconds", "blessed", "published", "commit")
TAG = "tag"
TAG_OPERATORS = ("=", "!=")
GROUPS = ("metrics", "hyperparameters")
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
CONDITION = re.compile(
    r"\s*(?P<name>[^\s=!<>]+)\s*(?P<operator><=|>=|!=|=|<|>)\s*"
    r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s=!<>\"']+)\s*"
)
AND = re.compile(r"and\s", re.IGNORECASE)
EXAMPLE = 'as in "auc > 0.9 and tag = x", with one of =, !=, <, <=, >, >='
TRUTHS = {"yes": True, "no": False, "true": True, "false": False}
Value: TypeAlias = str | float | bool | None


@dataclass(frozen=True)
class Condition:
    name: str
    operator: str
    text: str


def conditions(where: str) -> list[Condition]:
    """The conditions of `--where`, all of which a run must meet."""
    parsed, position = [], 0
    while True:
        match = CONDITION.match(where, position)
        if match is None:
            raise _refused(where, position)
        name, sign, value = match["name"], match["operator"], match["value"]
        text = value[1:-1] if value[0] in "\"'" else value
        parsed.append(Condition(name, sign, text))
        position = match.end()
        if position == len(where):
            return parsed
        conjunction = AND.match(where, position)
        if conjunction is None:
            raise _refused(where, position)
        position = conjunction.end()


def _refused(where: str, position: int) -> ConfigurationError:
    rest = where[position:] or where
    return ConfigurationError(
        f"--where is {shown(where)}, unclear from {shown(rest)} on: allowed are conditions joined "
        f"by and, {EXAMPLE}"
    )


def select(rows: Iterable[Row], where: str | None) -> list[Row]:
    """The rows that meet every condition; raises ConfigurationError for an unknown name."""
    all_rows = list(rows)
    parsed = conditions(where) if where is not None else []
    for condition in parsed:
        _check(condition, all_rows)
    return [row for row in all_rows if all(_holds(condition, row) for condition in parsed)]


def ordered(rows: Iterable[Row], sort: str | None) -> list[Row]:
    """The rows by a name, `-name` the largest first; the newest first without one.

    Those without a value stand last.
    """
    newest = sorted(rows, key=lambda row: (row.started or "", row.run), reverse=True)
    if sort is None:
        return newest
    descends = sort.startswith("-")
    name = sort.removeprefix("-")
    _check_name("--sort", name, newest)
    values = [value(row, name) for row in newest]
    pairs = list(zip(values, newest, strict=True))
    without = [row for each, row in pairs if is_missing(each)]
    ranked = [(_rank(each), row) for each, row in pairs if not is_missing(each)]
    ranked.sort(key=itemgetter(0), reverse=descends)
    return [row for _, row in ranked] + without


def value(row: Row, name: str) -> Any:
    """The row's value of a name, None without one; the tags are a tuple."""
    if name == TAG:
        return row.tags
    if name in COLUMNS:
        return getattr(row, name)
    group, _, rest = name.partition(".")
    if group in GROUPS and rest in getattr(row, group):
        return getattr(row, group)[rest]
    if name in row.metrics:
        return row.metrics[name]
    return row.hyperparameters.get(name)


def names(rows: Iterable[Row]) -> dict[str, set[str]]:
    """The groups that have each metric's and hyperparameter's name."""
    groups: dict[str, set[str]] = {}
    for row in rows:
        for group in GROUPS:
            for name in getattr(row, group):
                groups.setdefault(name, set()).add(group)
    return groups


def _check(condition: Condition, rows: list[Row]) -> None:
    name = condition.name
    if name == TAG and condition.operator not in TAG_OPERATORS:
        allowed = " and ".join(TAG_OPERATORS)
        raise ConfigurationError(
            f"--where compares tag by {condition.operator}, allowed are {allowed}"
        )
    _check_name("--where", name, rows)
    values = [value(row, name) for row in rows]
    present = [each for each in values if not is_missing(each)]
    problem = _problem(present, condition.text)
    if problem:
        text = shown(condition.text)
        raise ConfigurationError(f"--where compares {name} with {text}, {problem}")


def _problem(present: list[Any], text: str) -> str | None:
    """Why the text can't be compared with any of the values that are there."""
    if not present:
        return None
    are_numbers = all(map(_is_number, present))
    if are_numbers and _number(text) is None:
        return "allowed is a number"
    are_truths = all(isinstance(each, bool) for each in present)
    if are_truths and text not in TRUTHS:
        return "allowed are yes and no"
    return None


def _check_name(flag: str, name: str, rows: list[Row]) -> None:
    groups = names(rows)
    if name in (*COLUMNS, TAG):
        return
    group, _, rest = name.partition(".")
    if group in groups.get(rest, ()):
        return
    name_groups = groups.get(name, ())
    if not name_groups:
        nearest = _nearest(name, groups)
        raise ConfigurationError(
            f"{flag} names {shown(name)}, which no run has: the nearest are {nearest}"
        )
    if len(name_groups) > 1:
        allowed = " and ".join(f"{each}.{name}" for each in GROUPS)
        raise ConfigurationError(
            f"{flag} names {shown(name)}, which is ambiguous: allowed are {allowed}"
        )


def _nearest(name: str, groups: Iterable[str]) -> str:
    all_names = [*COLUMNS, TAG, *sorted(groups)]
    close_names = difflib.get_close_matches(name, all_names, n=3, cutoff=0.4)
    return ", ".join(close_names or all_names[:3])


def _holds(condition: Condition, row: Row) -> bool:
    current = value(row, condition.name)
    if condition.name == TAG:
        is_tagged = condition.text in row.tags
        return not is_tagged if condition.operator == "!=" else is_tagged
    if is_missing(current):
        return False
    compare = OPERATORS[condition.operator]
    if isinstance(current, bool):
        return compare(current, TRUTHS.get(condition.text))
    if _is_number(current):
        number = _number(condition.text)
        return number is not None and compare(current, number)
    return compare(str(current), condition.text)


def is_missing(current: Any) -> bool:
    return current is None or (isinstance(current, float) and math.isnan(current))


def _is_number(current: Any) -> bool:
    return isinstance(current, int | float) and not isinstance(current, bool)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _rank(current: Any) -> tuple[int, Any]:
    """Numbers before texts, so that values of one name with several types have an order."""
    if _is_number(current) or isinstance(current, bool):
        return 0, current
    return 1, str(current)
