"""Profiles as rows of the profiles table, and back."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.baseline.content import Baseline, Slice
from pipeline.baseline.profile import ColumnCounts, Profile
from pipeline.gcp.protocols import Row
from pipeline.monitoring.log.profile_columns import TOTALS

Values = dict[str, Any]  # of a row, by column
Key = tuple[str, str]  # kind and feature
REQUESTS, SCORES = ("requests", ""), ("scores", "")
STATISTICS = {  # attribute of ColumnCounts -> column of the table
    "missing": "missing",
    "mistyped": "mistyped",
    "whole": "whole",
    "positive": "positive",
    "log_sum": "log_sum",
    "log_square_sum": "log_square_sum",
    "distinct": "distinct_values",
}


def slice_name(part: Slice | None) -> str:
    return f"{part.column}={part.value}" if part else ""


def rows(profile: Profile) -> Iterator[Values]:
    """What tells the rows of one profile apart, and their counts."""
    totals = [getattr(profile, name) for name in TOTALS]
    yield _row(REQUESTS, totals)
    for name, counts in profile.columns.items():
        row = _row(("column", name), counts.bins)
        for attribute, column in STATISTICS.items():
            row[column] = getattr(counts, attribute)
        if counts.other_values:
            row["other_values"] = json.dumps(dict(counts.other_values))
        yield row
    for name, cells in profile.pairs.items():
        yield _row(("pair", name), cells)
    if profile.scores:
        yield _row(SCORES, profile.scores)


def profile(stored: Iterable[Row], baseline: Baseline | None) -> Profile | None:
    """The profile of the rows of one version, day and slice; None where one is missing.

    The rows are of the baseline's own bins.
    """
    by_key = {(row["kind"], row["feature"]): row for row in stored}
    if not needed(baseline) <= by_key.keys():
        return None
    by_kind: dict[str, dict[str, Row]] = {"column": {}, "pair": {}, "scores": {}, "requests": {}}
    for (kind, feature), row in by_key.items():
        by_kind[kind][feature] = row
    scores = by_key.get(SCORES)
    totals = dict(zip(TOTALS, by_key[REQUESTS]["counts"], strict=True))
    return Profile(
        **totals,
        columns={name: _counts(row) for name, row in by_kind["column"].items()},
        scores=tuple(scores["counts"]) if scores else (),
        pairs={name: tuple(row["counts"]) for name, row in by_kind["pair"].items()},
    )


def needed(baseline: Baseline | None) -> set[Key]:
    """The rows that a whole profile has."""
    keys = {REQUESTS}
    if baseline is not None:
        keys.add(SCORES)
        keys.update(("column", name) for name in baseline.columns)
        keys.update(("pair", pair.name) for pair in baseline.pairs)
    return keys


def _row(key: Key, counts: Iterable[int]) -> Values:
    kind, feature = key
    return {"kind": kind, "feature": feature, "counts": list(counts)}


def _counts(row: Row) -> ColumnCounts:
    statistics: Mapping[str, Any] = {
        attribute: row[column] or 0 for attribute, column in STATISTICS.items()
    }
    others = json.loads(row["other_values"]) if row["other_values"] else {}
    return ColumnCounts(bins=tuple(row["counts"]), **statistics, other_values=others)
