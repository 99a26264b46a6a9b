"""Profiles of what the statement counted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.baseline.content import Baseline, Bins, Slice
from pipeline.baseline.counting import OTHER_VALUES
from pipeline.baseline.profile import FOLDED, SCORE_BINS, ColumnCounts, Profile
from pipeline.gcp.protocols import Row
from pipeline.monitoring.log import counters
from pipeline.monitoring.log.layout import Layout, ServedColumn, cells, named


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A version's instances of a day, and those of each slice of its baseline."""

    whole: Profile
    slices: Mapping[Slice, Profile] = field(default_factory=dict)

    def profiles(self) -> Iterator[tuple[Slice | None, Profile]]:
        """The whole, which is of no slice, and then each slice's."""
        yield None, self.whole
        yield from self.slices.items()


@dataclass
class Group:
    """Counters and sums of instances by name, and the other values by a column's place."""

    counters: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)
    others: dict[int, Counter[str]] = field(default_factory=dict)

    def add(self, group: "Group") -> None:
        """Of distinct values the sum has at least as many as one of its parts."""
        for name, count in group.counters.items():
            if ".distinct" in name:
                self.counters[name] = max(self.counters[name], count)
            else:
                self.counters[name] += count
        self.sums.update(group.sums)
        for place, counts in group.others.items():
            of_place = self.others.setdefault(place, Counter())
            of_place.update(counts)


NOTHING: dict[str, Any] = {"instances": 0, "requests": 0, "request_squares": 0}
Groups = dict[str, Group]  # by the digits of the slices that their instances are in


def profiles(rows: Iterable[Row], layout: Layout) -> dict[str, Counted]:
    """What the statement's rows say, by the deployed model's id.

    A version without any row has an empty profile; an id without a baseline has no columns.
    """
    by_version: dict[str, Groups] = {id_: {} for id_ in layout.versions}
    for row in rows:
        groups = by_version.setdefault(row["id"], {})
        groups[row["slices"]] = _group(row, layout)
    return {id_: _counted(groups, layout, id_) for id_, groups in by_version.items()}


def _group(row: Row, layout: Layout) -> Group:
    counter_names = counters.counters(layout)
    sum_names = counters.sums(layout)
    group = Group()
    group.counters.update(dict(zip(counter_names, row["counters"], strict=True)))
    group.sums.update(dict(zip(sum_names, row["sums"], strict=True)))
    for column in counters.named_columns(layout):
        entries = row[f"other_{column.place}"] or ()
        counts = {entry["value"]: entry["count"] for entry in entries}
        counts.pop(None, None)  # BigQuery counts null as a value
        group.others[column.place] = Counter(counts)
    return group


def _counted(groups: Groups, layout: Layout, id_: str) -> Counted:
    baseline = layout.versions.get(id_)
    whole = _sum(groups.values())
    if baseline is None:
        return Counted(whole=_unknown(whole))
    by_slice = {}
    for place, slice_ in enumerate(baseline.slices):
        parts = [group for digits, group in groups.items() if digits[place : place + 1] == "1"]
        by_slice[slice_] = _profile(_sum(parts), layout, baseline)
    return Counted(whole=_profile(whole, layout, baseline), slices=by_slice)


def _sum(groups: Iterable[Group]) -> Group:
    total = Group()
    for group in groups:
        total.add(group)
    return total


def _unknown(group: Group) -> Profile:
    """Of an id without a baseline."""
    return _with_totals(Profile(**NOTHING, columns={}, scores=()), group)


def _profile(group: Group, layout: Layout, baseline: Baseline) -> Profile:
    columns = {}
    for name, column in baseline.columns.items():
        columns[name] = _column(layout.columns[name], column.bins, group)
    pairs = {}
    for place, pair in enumerate(baseline.pairs):
        names = [f"p{place}.{cell}" for cell in range(cells(pair))]
        pairs[pair.name] = _counts(group, names)
    score_names = [f"score.{place}" for place in range(SCORE_BINS)]
    scores = _counts(group, score_names)
    profile = Profile(**NOTHING, columns=columns, scores=scores, pairs=pairs)
    return _with_totals(profile, group)


def _with_totals(profile: Profile, group: Group) -> Profile:
    """Requests are sums of their instances' parts."""
    numbers = group.counters
    return replace(
        profile,
        instances=numbers["instances"],
        requests=round(group.sums["requests"]),
        request_squares=round(group.sums["request_squares"]),
        unparsable=numbers["unparsable"],
        foreign=numbers["foreign"],
        unanswered=numbers["unanswered"],
        smoke=numbers["smoke"],
    )


def _counts(group: Group, names: Sequence[str]) -> tuple[int, ...]:
    return tuple(group.counters[name] for name in names)


def _column(column: ServedColumn, bins: Bins, group: Group) -> ColumnCounts:
    prefix = f"c{column.place}."
    own = {
        name.removeprefix(prefix): count
        for name, count in [*group.counters.items(), *group.sums.items()]
        if name.startswith(prefix)
    }
    numbers = Counter(own)
    present = tuple(numbers[str(place)] for place in range(named(bins)))
    if bins.kind == "category":
        others = group.others.get(column.place, Counter())
        return ColumnCounts(
            bins=(*present, numbers["other"]),
            missing=numbers["missing"],
            distinct=numbers["distinct_texts"],
            other_values=_frequent(others),
        )
    return ColumnCounts(
        bins=present,
        missing=numbers["missing"],
        mistyped=numbers["mistyped"],
        whole=numbers["whole"],
        positive=numbers["positive"],
        log_sum=float(numbers["log_sum"]),
        log_square_sum=float(numbers["log_square_sum"]),
        distinct=numbers["distinct_numbers"],
    )


def _frequent(counts: Mapping[str, int]) -> dict[str, int]:
    """The values that at least ten instances have, as counting.profile names them."""
    frequent = [entry for entry in counts.items() if entry[1] >= FOLDED]
    frequent.sort(key=lambda entry: (-entry[1], entry[0]))
    return dict(frequent[:OTHER_VALUES])
