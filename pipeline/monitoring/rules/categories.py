"""Values that training never had, and old ones in another spelling."""

from collections.abc import Mapping

from pipeline.monitoring.rules.change import Change
from pipeline.monitoring.rules.told import fault, listed, percent
from pipeline.monitoring.verdict import Finding

NEW = 0.01
SHOWN = 3
RENAMED = 0.8  # of the new values' share, or of the old one's


def spelling(change: Change) -> Finding | None:
    """Old values come back in another case, or with other blanks and marks."""
    if not _named(change):
        return None
    spellings = {_folded(value): value for value in reversed(_old(change))}
    pairs = {
        value: spellings[_folded(value)] for value in _new(change) if _folded(value) in spellings
    }
    share = sum(change.after.other_values[value] for value in pairs) / _present(change)
    if share <= NEW + change.chance(NEW):
        return None
    told = [f"{value!r} for {old!r}" for value, old in list(pairs.items())[:SHOWN]]
    return fault(
        "spelling",
        [change],
        f"{change.name} is spelt in another way in {percent(share)} of the instances: "
        f"{listed(told)}",
        f"send {change.name} as the training rows spell it: to the model these are new values",
    )


def new_value(change: Change) -> Finding | None:
    """A value that no training row has is frequent."""
    if not _named(change):
        return None
    counts = _new(change)
    noise = change.chance(NEW)
    by_share = {value: count / _present(change) for value, count in counts.items()}
    frequent = {value: share for value, share in by_share.items() if share > NEW + noise}
    if not frequent or _growth(change) < sum(frequent.values()) / 2:
        return None
    told = [f"{value!r} ({percent(share)})" for value, share in list(frequent.items())[:SHOWN]]
    return fault(
        "new value",
        [change],
        f"{change.name} has values that no training row has: {listed(told)}{_lost(change, frequent)}",
        "correct the callers if it is a mistake; else train on rows that have it, "
        "and allow it in schema.pbtxt",
    )


def _lost(change: Change, frequent: Mapping[str, float]) -> str:
    """The old value that has become rarer by as much: it may have a new name."""
    decrease = change.bins_before - change.bins_after
    place = int(decrease.argmax())
    share = sum(frequent.values())
    chance = change.chance(float(change.bins_before[place]))
    if decrease[place] < max(RENAMED * share, chance) or share < RENAMED * decrease[place]:
        return ""
    return f"; {change.bin_name(place)} has lost {percent(float(decrease[place]), 'points')}"


def _named(change: Change) -> bool:
    """Values are told; those of ids and of the time are new all the time."""
    column = change.column
    return column.bins.kind == "category" and not column.personal and column.unjudged is None


def _old(change: Change) -> list[str]:
    return [*change.column.bins.values, *change.before.other_values]


def _new(change: Change) -> Mapping[str, int]:
    """Frequent values without a bin that were not frequent in training, the first ones first."""
    old = set(_old(change))
    ordered = sorted(change.after.other_values.items(), key=lambda entry: (-entry[1], entry[0]))
    return {value: count for value, count in ordered if value not in old}


def _growth(change: Change) -> float:
    """Of the share of all values without a bin."""
    before = float(change.bins_before[-1])
    return float(change.bins_after[-1]) - before + change.chance(before)


def _present(change: Change) -> int:
    return max(1, sum(change.after.bins))


def _folded(value: str) -> str:
    """Without case, blanks and marks; marks alone stay."""
    letters = "".join(character for character in value.casefold() if character.isalnum())
    return letters or value
