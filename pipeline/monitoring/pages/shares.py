"""A column's bins in training and in a window, side by side, as shares of all rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.baseline import distance
from pipeline.baseline.content import Bins
from pipeline.baseline.profile import ColumnCounts
from pipeline.monitoring.pages import figures

MISSING = "missing"
MISTYPED = "text"  # where a number belongs


@dataclass(frozen=True)
class Share:
    """One bin; `label` is what it holds, in words."""

    label: str
    train: float
    serve: float

    @property
    def change(self) -> float:
        return self.serve - self.train

    @property
    def larger(self) -> float:
        return max(self.train, self.serve)

    @property
    def words(self) -> str:
        return f"{figures.share(self.train)} → {figures.share(self.serve)}"


def of_column(
    bins: Bins, train: ColumnCounts, serve: ColumnCounts, *, are_whole: bool
) -> list[Share]:
    """The bins, then what is missing, and text where a number belongs if there is any.

    `are_whole` says that a number's values are whole ones.
    """
    train_shares = _shares(train)
    serve_shares = _shares(serve)
    labels = [*_labels(bins, are_whole), MISSING, MISTYPED]
    shares = list(map(Share, labels, train_shares, serve_shares))
    mistyped = shares[-1]
    return shares if mistyped.larger else shares[:-1]


def of_cell(bins: Bins, shares: Sequence[Share], cell: int) -> Share:
    """The bin at this place, or all that is beside the bins, which is judged as one."""
    if cell < bins.count:
        return shares[cell]
    beside = shares[bins.count :]
    label = " or ".join(share.label for share in beside)
    return _summed(label, beside)


def folded(bins: Bins, shares: Sequence[Share], most: int) -> list[Share]:
    """A category's shares, of whose values only the `most` that matter have a row of their own.

    Large ones matter, and those that moved. All others and the missing ones are always shown.
    """
    names = len(bins.values)
    values, beside = list(shares[:names]), shares[names:]
    if names <= most:
        return list(shares)
    by_weight = sorted(values, key=_weight, reverse=True)
    large, small = by_weight[:most], by_weight[most:]
    large.sort(key=values.index)
    more = _summed(f"{len(small)} more", small)
    return [*large, more, *beside]


def _shares(counts: ColumnCounts) -> list[float]:
    cells = (*counts.bins, counts.missing, counts.mistyped)
    shares: list[float] = distance.shares(cells).tolist()
    return shares


def _summed(label: str, shares: Sequence[Share]) -> Share:
    train = sum(share.train for share in shares)
    serve = sum(share.serve for share in shares)
    return Share(label, train, serve)


def _weight(share: Share) -> float:
    moved = 2 * abs(share.change)
    return max(share.larger, moved)


def _labels(bins: Bins, are_whole: bool) -> list[str]:
    if bins.kind == "number":
        return figures.bin_names(bins.edges, are_whole=are_whole)
    names = [figures.cut(value) for value in bins.values]
    return [*names, "all others" if names else "present"]
