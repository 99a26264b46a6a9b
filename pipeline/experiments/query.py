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
NUMBERS = (int, float)
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
QUOTES = ('"', "'")
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
        name, sign, value = match.group("name", "operator", "value")
        is_quoted = value.startswith(QUOTES)
        text = value[1:-1] if is_quoted else value
        condition = Condition(name, sign, text)
        parsed.append(condition)
        position = match.end()
        if position == len(where):
            return parsed
        conjunction = AND.match(where, position)
        if conjunction is None:
            raise _refused(where, position)
        position = conjunction.end()


def _refused(where: str, position: int) -> ConfigurationError:
    unclear_text = where[position:] or where
    beginning = shown(unclear_text)
    return ConfigurationError(
        f"--where is {shown(where)}, unclear from {beginning} on: allowed are conditions joined "
        f"by and, {EXAMPLE}"
    )


def select(rows: Iterable[Row], where: str | None) -> list[Row]:
    """The rows that meet every condition; raises ConfigurationError for an unknown name."""
    selected_rows = list(rows)
    parsed = conditions(where) if where is not None else []
    for condition in parsed:
        _check(condition, selected_rows)
    for condition in parsed:
        selected_rows = [row for row in selected_rows if _holds(condition, row)]
    return selected_rows


def ordered(rows: Iterable[Row], sort: str | None) -> list[Row]:
    """The rows by a name, `-name` the largest first; the newest first without one.

    Those without a value stand last.
    """
    newest = sorted(rows, key=_age, reverse=True)
    if sort is None:
        return newest
    descends = sort.startswith("-")
    name = sort.removeprefix("-")
    _check_name("--sort", name, newest)
    ranked = []
    without_value = []
    for row in newest:
        row_value = value(row, name)
        if is_missing(row_value):
            without_value.append(row)
        else:
            ranked.append((_rank(row_value), row))
    ranked.sort(key=itemgetter(0), reverse=descends)
    ranked_rows = [row for _, row in ranked]
    return ranked_rows + without_value


def _age(row: Row) -> tuple[str, str]:
    """What orders rows from the oldest on; one without a start is older than all."""
    return row.started or "", row.run


def value(row: Row, name: str) -> Any:
    """The row's value of a name, None without one; the tags are a tuple."""
    if name == TAG:
        return row.tags
    if name in COLUMNS:
        return getattr(row, name)
    group, _, key = name.partition(".")
    values = getattr(row, group) if group in GROUPS else {}
    if key in values:
        return values[key]
    if name in row.metrics:
        return row.metrics[name]
    return row.hyperparameters.get(name)


def names(rows: Iterable[Row]) -> dict[str, set[str]]:
    """The groups that have each metric's and hyperparameter's name."""
    groups: dict[str, set[str]] = {}
    for row in rows:
        for group in GROUPS:
            for name in getattr(row, group):
                name_groups = groups.setdefault(name, set())
                name_groups.add(group)
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
    group, _, key = name.partition(".")
    if group in groups.get(key, ()):
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
    group_names = sorted(groups)
    all_names = [*COLUMNS, TAG, *group_names]
    first_names = all_names[:3]
    close_names = difflib.get_close_matches(name, all_names, n=3, cutoff=0.4)
    return ", ".join(close_names or first_names)


def _holds(condition: Condition, row: Row) -> bool:
    current = value(row, condition.name)
    if condition.name == TAG:
        is_tagged = condition.text in row.tags
        is_wanted = condition.operator == "="
        return is_tagged == is_wanted
    if is_missing(current):
        return False
    compare = OPERATORS[condition.operator]
    if isinstance(current, bool):
        truth = TRUTHS.get(condition.text)
        return compare(current, truth)
    if _is_number(current):
        number = _number(condition.text)
        return number is not None and compare(current, number)
    return compare(str(current), condition.text)


def is_missing(current: Any) -> bool:
    if isinstance(current, float):
        return math.isnan(current)
    return current is None


def _is_number(current: Any) -> bool:
    if isinstance(current, bool):
        return False
    return isinstance(current, NUMBERS)


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
