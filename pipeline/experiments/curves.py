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
Curves = dict[str, dict[str, Points]]  # by metric, and by series
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
        document = json.loads(file.read_text(encoding="utf-8"))
        return {
            metric: {name: _points(pairs) for name, pairs in series.items()}
            for metric, series in document.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, *TOO_LARGE) as error:
        raise RunError(f"{file}: no curves ({error!r:.100})") from error


def _points(pairs: Any) -> Points:
    return [(_finite(x), None if y is None else _finite(y)) for x, y in pairs]


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
            curves.setdefault(path, {NAMELESS: []})[NAMELESS].append((step, y))
    return curves


def _is_finite(number: float | None) -> bool:
    return number is not None and math.isfinite(number)


def difference(all_curves: list[Curves]) -> Differences:
    """What differs between runs' curves; a curve that all of them have alike is left out."""
    names: set[tuple[str, str]] = set()
    for curves in all_curves:
        for metric, series in curves.items():
            names.update((metric, name) for name in series)
    differences: Differences = {}
    for metric, name in sorted(names):
        first, *others = [curves.get(metric, {}).get(name) for curves in all_curves]
        if any(points != first for points in others):
            differences.setdefault(metric, {})[name] = [first, *others]
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
    numbers = [(y, place) for place, (_, y) in enumerate(points) if y is not None]
    gaps = [place for place, (_, y) in enumerate(points) if y is None]
    places = {0, len(points) - 1, *gaps[:1]}
    if numbers:
        _, lowest = min(numbers)
        _, highest = max(numbers)
        places |= {lowest, highest}
    return [points[place] for place in sorted(places)]
