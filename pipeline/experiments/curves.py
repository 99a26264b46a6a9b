"""A run's curves, read back: from its curves.json, or from an imported run's series.parquet."""

import json
import math
from pathlib import Path
from typing import Any

from pipeline.errors import RunError
from pipeline.local.run_names import CURVES

SERIES = "series.parquet"  # of an imported run: path, step, time, value
NAMELESS = ""  # the one series of an imported path, which knows no train and no validation
COLUMNS = ("path", "step", "value")
TOO_LARGE = (RecursionError, OverflowError)  # a list in a list in a list, and a whole number

Points = list[tuple[float, float | None]]  # x and y, None where y is no number
Series = dict[str, Points]
Curves = dict[str, Series]  # by metric, and by series
Differences = dict[str, dict[str, list[Points | None]]]  # of each run, None for one without


def read(folder: Path) -> Curves:
    """The curves of the run in this folder, in the order of their steps; none is empty.

    Raises RunError for files that are damaged.
    """
    file, imported_file = folder / CURVES, folder / SERIES
    if file.exists():
        return _own(file)
    return _imported(imported_file) if imported_file.exists() else {}


def _own(file: Path) -> Curves:
    try:
        text = file.read_text(encoding="utf-8")
        document = json.loads(text)
        return {metric: _series(pairs) for metric, pairs in document.items()}
    except (OSError, ValueError, TypeError, AttributeError, *TOO_LARGE) as error:
        raise RunError(f"{file}: no curves ({error!r:.100})") from error


def _series(document: Any) -> Series:
    series = document.items()
    return {name: _points(pairs) for name, pairs in series}


def _points(pairs: Any) -> Points:
    points: Points = []
    for x, y in pairs:
        height = None if y is None else _finite(y)
        points.append((_finite(x), height))
    return points


def _finite(number: Any) -> float:
    if isinstance(number, int | float) and math.isfinite(number):
        return number
    raise ValueError(f"a curve holds {number!r:.40}")


def _imported(file: Path) -> Curves:
    import pyarrow as pa

    try:
        return _grouped(file)
    except (OSError, pa.ArrowException, KeyError, TypeError) as error:
        raise RunError(f"{file}: no series ({error!r:.100})") from error


def _grouped(file: Path) -> Curves:
    """The points by their paths; a step may be a fraction, and one without a number is no point."""
    import pyarrow.parquet as pq

    table = pq.read_table(file, columns=list(COLUMNS))
    table = table.sort_by([("path", "ascending"), ("step", "ascending")])
    columns = [table.column(name).to_pylist() for name in COLUMNS]
    curves: Curves = {}
    for path, step, value in zip(*columns, strict=True):
        if path is not None and _is_finite(step):
            y = value if _is_finite(value) else None
            series = curves.setdefault(path, {NAMELESS: []})
            series[NAMELESS].append((step, y))
    return curves


def _is_finite(number: float | None) -> bool:
    if number is None:
        return False
    return math.isfinite(number)


def difference(all_curves: list[Curves]) -> Differences:
    """What differs between runs' curves; a curve that all of them have alike is left out."""
    names: set[tuple[str, str]] = set()
    for curves in all_curves:
        for metric, series in curves.items():
            names |= {(metric, name) for name in series}
    differences: Differences = {}
    for metric, name in sorted(names):
        series_of_runs = [curves.get(metric, {}) for curves in all_curves]
        first, *others = [series.get(name) for series in series_of_runs]
        if any(points != first for points in others):
            all_points = differences.setdefault(metric, {})
            all_points[name] = [first, *others]
    return differences


def thinned(points: Points, most: int = 1000) -> Points:
    """At most about `most` points that draw the same curve."""
    if len(points) <= most:
        return points
    length = math.ceil(4 * len(points) / most)
    thin_points: Points = []
    for begin in range(0, len(points), length):
        part = points[begin : begin + length]
        thin_points += _telling(part)
    return thin_points


def _telling(points: Points) -> Points:
    """The ends, the extremes and the first gap, in their order."""
    heights = [y for _, y in points]
    numbers = [(y, place) for place, y in enumerate(heights) if y is not None]
    last = len(points) - 1
    places = {0, last}
    if None in heights:
        first_gap = heights.index(None)
        places.add(first_gap)
    if numbers:
        _, lowest = min(numbers)
        _, highest = max(numbers)
        places |= {lowest, highest}
    return [points[place] for place in sorted(places)]
