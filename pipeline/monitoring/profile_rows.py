"""Profiles as rows of the profiles table, and back."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.baseline.content import Baseline, Slice
from pipeline.baseline.profile import ColumnCounts, Profile
from pipeline.monitoring.layout import cells
from pipeline.monitoring.profile_columns import TOTALS

Values = dict[str, Any]  # of a row, by column
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
    yield {"kind": "requests", "feature": "", "counts": totals}
    for name, counts in profile.columns.items():
        statistics = {
            column: getattr(counts, attribute) for attribute, column in STATISTICS.items()
        }
        others = json.dumps(dict(counts.other_values)) if counts.other_values else None
        yield {
            "kind": "column",
            "feature": name,
            "counts": list(counts.bins),
            **statistics,
            "other_values": others,
        }
    for name, table in profile.pairs.items():
        yield {"kind": "pair", "feature": name, "counts": list(table)}
    if profile.scores:
        yield {"kind": "scores", "feature": "", "counts": list(profile.scores)}


def profile(stored: Iterable[Mapping[str, Any]], baseline: Baseline | None) -> Profile | None:
    """The profile of the rows of one version, day and slice; None where one is missing.

    The rows are of the baseline's own bins.
    """
    by_key = {(row["kind"], row["feature"]): row for row in stored}
    totals = by_key.get(("requests", ""))
    columns = {name: by_key.get(("column", name)) for name in _columns(baseline)}
    pairs = {pair.name: by_key.get(("pair", pair.name)) for pair in _pairs(baseline)}
    scores = by_key.get(("scores", ""))
    has_scores = scores is not None or baseline is None
    if totals is None or not has_scores or None in (*columns.values(), *pairs.values()):
        return None
    return Profile(
        **dict(zip(TOTALS, totals["counts"], strict=True)),
        columns={name: _counts(row) for name, row in columns.items() if row},
        scores=tuple(scores["counts"]) if scores else (),
        pairs={name: tuple(row["counts"]) for name, row in pairs.items() if row},
    )


def _columns(baseline: Baseline | None) -> Iterable[str]:
    return baseline.columns if baseline else ()


def _pairs(baseline: Baseline | None) -> Iterable[Any]:
    return [pair for pair in baseline.pairs if cells(pair)] if baseline else ()


def _counts(row: Mapping[str, Any]) -> ColumnCounts:
    statistics = {attribute: row[column] or 0 for attribute, column in STATISTICS.items()}
    others = json.loads(row["other_values"]) if row["other_values"] else {}
    return ColumnCounts(bins=tuple(row["counts"]), **statistics, other_values=others)
