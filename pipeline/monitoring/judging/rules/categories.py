"""Values new since training, and old ones in another spelling."""

from collections.abc import Mapping
from functools import lru_cache

from pipeline.monitoring.judging.rules.change import Change
from pipeline.monitoring.judging.rules.expected_shares import value_counts
from pipeline.monitoring.judging.rules.sentences import fault, listed, percent
from pipeline.monitoring.verdict import Finding

NEW = 0.01
EXAMPLES = 3
RENAMED = 0.8  # of the new values' share, or of the old one's


def spelling(change: Change) -> Finding | None:
    """Old values come back in another case, or with other blanks and marks."""
    new_shares = _new_shares(change)
    old_values = {_folded(value): value for value in value_counts(change)}
    pairs: list[str] = []
    share = 0.0
    for value, value_share in new_shares.items():
        old_value = old_values.get(_folded(value))
        if old_value is not None:
            pairs.append(f"{value!r} for {old_value!r}")
            share += value_share
    if share <= NEW + change.chance(NEW):
        return None
    examples = listed(pairs[:EXAMPLES])
    return fault(
        "spelling",
        [change],
        f"{change.name} is spelt in another way in {percent(share)} of the instances: {examples}",
        f"send {change.name} as the training rows spell it: to the model these are new values",
    )


def new_value(change: Change) -> Finding | None:
    """A value of no training row is frequent."""
    least = NEW + change.chance(NEW)
    new_shares = _new_shares(change)
    frequent = {value: share for value, share in new_shares.items() if share > least}
    share = sum(frequent.values())
    if not frequent or 2 * _growth(change) < share:
        return None
    values = [f"{value!r} ({percent(frequent[value])})" for value in frequent]
    examples = listed(values[:EXAMPLES])
    end = _lost(change, share)
    return fault(
        "new value",
        [change],
        f"{change.name} has values that no training row has: {examples}{end}",
        "correct the callers if it is a mistake; else train on rows that have it, "
        "and allow it in schema.pbtxt",
    )


def _new_shares(change: Change) -> Mapping[str, float]:
    """The shares of frequent values not in training, the largest first.

    Ids and times always have new values.
    """
    present = sum(change.window.bins)
    column = change.column
    if column.personal or column.unjudged is not None or not present:
        return {}
    old_values = value_counts(change)
    counts = change.window.other_values
    names = sorted(counts, key=lambda name: -counts[name])
    return {name: counts[name] / present for name in names if name not in old_values}


def _growth(change: Change) -> float:
    """Of the share of all values without a bin, at most."""
    training_share = float(change.training_bins[-1])
    window_share = float(change.window_bins[-1])
    return window_share - training_share + change.chance(training_share)


def _lost(change: Change, new_share: float) -> str:
    """The old value, now rarer by as much: it may have a new name."""
    decreases = change.training_bins - change.window_bins
    place = int(decreases.argmax())
    decrease = float(decreases[place])
    chance = change.chance(float(change.training_bins[place]))
    smaller, larger = sorted((decrease, new_share))
    if decrease < chance or smaller < RENAMED * larger:
        return ""
    points = percent(decrease, "points")
    return f"; {change.bin_name(place)} has lost {points}"


@lru_cache(maxsize=10_000)
def _folded(value: str) -> str:
    """Without case, blanks and marks; marks alone stay."""
    letters = [character for character in value.casefold() if character.isalnum()]
    return "".join(letters) or value
