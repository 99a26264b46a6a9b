"""The training values of a category, counted in the bins of another."""

from collections.abc import Iterator

from pipeline.monitoring.judging.rules.change import Change


def shares_by_name(change: Change, partner: Change) -> Iterator[float]:
    """Shares of the partner's training values in the column's bins, the one of others last."""
    counts = value_counts(partner)
    total = max(1, sum(partner.training.bins))
    remainder = 1.0
    for value in change.column.bins.values:
        share = counts.get(value, 0) / total
        remainder -= share
        yield share
    yield max(0.0, remainder)


def value_counts(change: Change) -> dict[str, int]:
    """The named values of the training rows."""
    bins = zip(change.column.bins.values, change.training.bins, strict=False)
    return dict(bins) | dict(change.training.other_values)
