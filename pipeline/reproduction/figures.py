"""Compares the figures of two runs, value by value: numbers may differ by a tolerance."""

import math
from collections.abc import Iterator
from operator import attrgetter
from typing import Any, NamedTuple

from pipeline.reproduction.verdict import TOLERANCE, Outcome

Json = dict[str, Any]
LAST_BLESSED = "_diff"  # how much better than the last blessed: a model made again has none
CHANGE = "change of "  # of a bound on that
NUMBERS = {int, float}


class _Change(NamedTuple):
    distance: float  # infinite where there is none
    sentence: str


def of_metrics(summary: Json) -> Json:
    """A run's metrics by slice."""
    slices: Json = {"all": summary["metrics"], **summary["slices"]}
    return {name: _comparable(metrics) for name, metrics in slices.items()}


def _comparable(metrics: Json) -> Json:
    return {name: value for name, value in metrics.items() if not name.endswith(LAST_BLESSED)}


def of_gate(summary: Json) -> Json:
    """Which bounds hold."""
    bounds = {}
    for check in summary["gate"]:
        metric, part = check["metric"], check["slice"]
        if not metric.startswith(CHANGE):
            bounds[f"{metric} ({part})"] = check["holds"]
    return bounds


def compared(old: Any, new: Any) -> Outcome:
    """Two JSON documents: equal, or all of their numbers within the tolerance."""
    changes = list(_changes(old, new, ""))
    if not changes:  # null and a value that was left out are the same
        return "bit-equal", None
    for change in changes:
        if change.distance > TOLERANCE:
            return "different", change.sentence
    largest = max(changes, key=attrgetter("distance"))
    return "within tolerance", f"{largest.sentence}, allowed is {TOLERANCE:g}"


def _changes(old: Any, new: Any, place: str) -> Iterator[_Change]:
    if old == new:
        return
    kinds = {type(old), type(new)}
    if kinds == {dict}:
        yield from _changes_of_objects(old, new, place)
    elif kinds == {list} and len(old) == len(new):
        yield from _changes_of_lists(old, new, place)
    else:
        distance = float(abs(old - new)) if kinds <= NUMBERS else math.inf
        yield _Change(distance, f"{place} was {old!s:.40}, is {new!s:.40}")


def _changes_of_objects(old: Json, new: Json, place: str) -> Iterator[_Change]:
    names = old.keys() | new.keys()
    for name in sorted(names):
        inner_place = f"{place}.{name}".lstrip(".")
        yield from _changes(old.get(name), new.get(name), inner_place)


def _changes_of_lists(old: list[Any], new: list[Any], place: str) -> Iterator[_Change]:
    pairs = zip(old, new, strict=True)
    for number, (old_value, new_value) in enumerate(pairs):
        yield from _changes(old_value, new_value, f"{place}[{number}]")
