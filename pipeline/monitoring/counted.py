"""Profiles of what the statement counted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.baseline.content import Baseline, Bins, Slice
from pipeline.baseline.counting import OTHER_VALUES
from pipeline.baseline.profile import FOLDED, SCORE_BINS, ColumnCounts, Profile
from pipeline.gcp.protocols import Row
from pipeline.monitoring import counters
from pipeline.monitoring.layout import Layout, ServedColumn, cells, named


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A version's instances of a day, and those of each slice of its baseline."""

    whole: Profile
    slices: Mapping[Slice, Profile] = field(default_factory=dict)

    def profiles(self) -> Iterator[tuple[Slice | None, Profile]]:
        """The whole, which is of no slice, and then each slice's."""
        yield None, self.whole
        yield from self.slices.items()


@dataclass(frozen=True)
class Group:
    """Counters and sums of instances by name, and the other values of each column's place."""

    counters: Mapping[str, int]
    sums: Mapping[str, float]
    others: Mapping[int, Mapping[str, int]]


def profiles(rows: Iterable[Row], layout: Layout) -> dict[str, Counted]:
    """What the statement's rows say, by the deployed model's id.

    A version without any row has an empty profile; an id without a baseline has no columns.
    """
    groups: dict[str, dict[str, Group]] = {id_: {} for id_ in layout.versions}
    for row in rows:
        groups.setdefault(row["id"], {})[row["part"]] = _group(row, layout)
    return {id_: _counted(parts, layout, id_) for id_, parts in groups.items()}


def empty(baseline: Baseline) -> Profile:
    """Of no instance."""
    layout = Layout({"": baseline})
    return _counted({}, layout, "").whole


def _group(row: Row, layout: Layout) -> Group:
    others = {
        column.place: {
            entry["value"]: entry["count"]
            for entry in row[f"other_{column.place}"] or ()
            if entry["value"] is not None  # BigQuery counts null as a value
        }
        for column in counters.named_columns(layout)
    }
    return Group(
        counters=dict(zip(counters.counters(layout), row["counters"], strict=True)),
        sums=dict(zip(counters.sums(layout), row["sums"], strict=True)),
        others=others,
    )


def _counted(parts: Mapping[str, Group], layout: Layout, id_: str) -> Counted:
    baseline = layout.versions.get(id_)
    slices = baseline.slices if baseline else ()
    by_slice = {
        part: _profile(
            [group for digits, group in parts.items() if digits[place : place + 1] == "1"],
            layout,
            id_,
        )
        for place, part in enumerate(slices)
    }
    return Counted(whole=_profile(list(parts.values()), layout, id_), slices=by_slice)


def _profile(groups: Sequence[Group], layout: Layout, id_: str) -> Profile:
    total = _total(groups)
    baseline = layout.versions.get(id_)
    columns = baseline.columns if baseline else {}
    pairs = baseline.pairs if baseline else ()
    numbers, sums = total.counters, total.sums
    score_bins = range(SCORE_BINS if baseline else 0)
    return Profile(
        instances=numbers.get("instances", 0),
        requests=round(sums.get("requests", 0.0)),
        request_squares=round(sums.get("request_squares", 0.0)),
        unparsable=numbers.get("unparsable", 0),
        foreign=numbers.get("foreign", 0) if baseline else 0,
        unanswered=numbers.get("unanswered", 0),
        smoke=numbers.get("smoke", 0),
        columns={
            name: _column(layout.columns[name], column.bins, total)
            for name, column in columns.items()
        },
        scores=tuple(numbers.get(f"score.{place}", 0) for place in score_bins),
        pairs={
            pair.name: tuple(numbers.get(f"p{place}.{cell}", 0) for cell in range(cells(pair)))
            for place, pair in enumerate(pairs)
        },
    )


def _total(groups: Sequence[Group]) -> Group:
    """The groups' sum; of distinct values at least as many as one of them has."""
    numbers: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    others: dict[int, Counter[str]] = {}
    for group in groups:
        for name, count in group.counters.items():
            larger = max(numbers[name], count)
            numbers[name] = larger if ".distinct" in name else numbers[name] + count
        for name, value in group.sums.items():
            sums[name] += value  # type: ignore[assignment]  # a Counter adds any numbers
        for place, counts in group.others.items():
            others.setdefault(place, Counter()).update(counts)
    return Group(numbers, sums, others)


def _column(column: ServedColumn, bins: Bins, total: Group) -> ColumnCounts:
    def counter(name: str) -> int:
        return total.counters.get(f"c{column.place}.{name}", 0)

    present = [counter(str(place)) for place in range(named(bins))]
    if bins.kind == "category":
        return ColumnCounts(
            bins=(*present, counter("other")),
            missing=counter("missing"),
            distinct=counter("distinct_texts"),
            other_values=_frequent(total.others.get(column.place, {})),
        )
    return ColumnCounts(
        bins=tuple(present),
        missing=counter("missing"),
        mistyped=counter("mistyped"),
        whole=counter("whole"),
        positive=counter("positive"),
        log_sum=total.sums.get(f"c{column.place}.log_sum", 0.0),
        log_square_sum=total.sums.get(f"c{column.place}.log_square_sum", 0.0),
        distinct=counter("distinct_numbers"),
    )


def _frequent(counts: Mapping[str, int]) -> dict[str, int]:
    """The values that at least ten instances have, as counting.profile names them."""
    frequent = [(value, count) for value, count in counts.items() if count >= FOLDED]
    frequent.sort(key=lambda entry: (-entry[1], entry[0]))
    return dict(frequent[:OTHER_VALUES])
