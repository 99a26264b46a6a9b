"""SQL that finds the bin of a value, by the baseline of the version that was asked."""

from collections.abc import Mapping, Sequence

from pipeline.baseline.content import Baseline, Bins, Slice
from pipeline.monitoring.log.counters import MISSING, MISTYPED, OTHER
from pipeline.monitoring.log.json_texts import literal
from pipeline.monitoring.log.layout import Layout, ServedColumn


def column_bin(column: ServedColumn) -> str:
    """The bin of a column's value, or why it has none."""
    cases = {}
    for index, bins in column.by_baseline.items():
        cases[index] = _bin(column.place, bins)
    return _by_owner(cases)


def pair_cell(layout: Layout, place: int) -> str:
    """The cell of the pair at a place in each baseline, null where one value is missing."""
    cases = {}
    for index, baseline in enumerate(layout.baselines):
        for pair in baseline.pairs[place : place + 1]:
            left = _place_or_null(layout.columns[pair.left].place, pair.left_bins)
            right = _place_or_null(layout.columns[pair.right].place, pair.right_bins)
            cases[index] = f"{left} * {pair.right_bins.count} + {right}"
    return _by_owner(cases)


def part(layout: Layout) -> str:
    """Which slices an instance is in, a digit each: rows in several are not multiplied."""
    cases = {}
    for index, baseline in enumerate(layout.baselines):
        conditions = [_condition(layout, baseline, slice_) for slice_ in baseline.slices]
        digits = [f"IF({condition}, '1', '0')" for condition in conditions]
        if digits:
            cases[index] = f"CONCAT({', '.join(digits)}, '')"
    return _by_owner(cases, "CAST(NULL AS STRING)")


def nested(value: str, edges: Sequence[float], first: int = 0) -> str:
    """The bin of a number, by halves; the first edge above it ends its bin."""
    if not edges:
        return str(first)
    middle = len(edges) // 2
    below = nested(value, edges[:middle], first)
    above = nested(value, edges[middle + 1 :], first + middle + 1)
    return f"IF({value} < {edges[middle]!r}, {below}, {above})"


def _by_owner(cases: Mapping[int, str], nothing: str = "CAST(NULL AS INT64)") -> str:
    if not cases:
        return nothing
    branches = " ".join(f"WHEN {index} THEN {sql}" for index, sql in cases.items())
    return f"CASE owner {branches} END"


def _condition(layout: Layout, baseline: Baseline, slice_: Slice) -> str:
    place = layout.columns[slice_.column].place
    value = literal(slice_.value)
    if baseline.columns[slice_.column].bins.kind == "category":
        return f"v{place} = {value}"
    return f"n{place} = SAFE_CAST({value} AS FLOAT64)"


def _bin(place: int, bins: Bins) -> str:
    if bins.kind == "category":
        return f"IF(v{place} IS NULL, {MISSING}, {_of_values(place, bins, OTHER)})"
    none = f"IF(j{place} IS NULL, {MISSING}, {MISTYPED})"
    return f"IF(n{place} IS NULL, {none}, {nested(f'n{place}', bins.edges)})"


def _place_or_null(place: int, bins: Bins) -> str:
    """A value's bin among a pair's, or null, which makes the whole cell null."""
    if bins.kind == "category":
        return f"IF(v{place} IS NULL, NULL, {_of_values(place, bins, len(bins.values))})"
    return f"IF(n{place} IS NULL, NULL, {nested(f'n{place}', bins.edges)})"


def _of_values(place: int, bins: Bins, other: int) -> str:
    if not bins.values:
        return str(other)
    cases = " ".join(f"WHEN {literal(value)} THEN {i}" for i, value in enumerate(bins.values))
    return f"CASE v{place} {cases} ELSE {other} END"
