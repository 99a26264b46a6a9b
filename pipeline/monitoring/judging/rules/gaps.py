"""Missing values, values of another type, and one value in place of missing ones."""

from collections.abc import Callable, Iterator, Sequence

from pipeline.monitoring.judging.rules.change import Change
from pipeline.monitoring.judging.rules.sentences import are, fault, names_of, percent
from pipeline.monitoring.verdict import Finding

MISSING = 0.015  # of all instances more, beyond what training's blocks showed
SELDOM = 0.005  # other hours lack more of what is missing more often
MISSING_ALPHA = 0.001  # of chance; the points beside it make it a rarer one
MISTYPED = 0.005
ABSENT = 0.99
RARE = 0.9  # a column that training mostly lacks is not missed
FILLED = 0.7  # of the values that are no longer missing are in one bin
ALIKE = 0.01  # columns that lack as many more, lack them together


def absent(changes: Sequence[Change]) -> Iterator[Finding]:
    """Columns present in training and as good as never in requests."""
    for group in _of_one_cause(changes, _absence):
        first, *_ = group
        names = names_of(group)
        window = percent(1 - first.window_missing)
        training = percent(1 - first.training_missing)
        yield fault(
            "absent",
            group,
            f"{names} {are(group)} in {window} of the instances, in training in {training}",
            f"look whether callers renamed or dropped {names}: to the model it is missing",
        )


def mistyped(changes: Sequence[Change]) -> Iterator[Finding]:
    """Text is sent in place of a number."""
    for group in _of_one_cause(changes, _mistyped):
        first, *_ = group
        names = names_of(group)
        share = percent(first.mistyped_share)
        yield fault(
            "mistyped",
            group,
            f"{names} {are(group)} no number in {share} of the instances",
            f"send {names} as JSON numbers",
        )


def missing(changes: Sequence[Change]) -> Iterator[Finding]:
    """More is missing than training's own time blocks lacked."""
    for group in _of_one_cause(changes, _missing):
        first, *_ = group
        names = names_of(group)
        window = percent(first.window_missing)
        training = percent(first.training_missing)
        yield fault(
            "missing",
            group,
            f"{names} {are(group)} missing in {window} of the instances, in training in {training}",
            f"look which callers leave {names} out, or which source no longer has it",
        )


def filled(change: Change) -> Finding | None:
    """One value stands in place of missing ones: a mean, a zero, an empty text."""
    decrease = -_increase(change)
    has_one_bin = change.column.bins.count == 1  # whose values nothing tells apart
    if has_one_bin or decrease <= _tolerated(change):
        return None
    training_shares = change.training_bins * (1 - change.training_missing)
    window_shares = change.window_bins * (1 - change.window_missing)
    growth = window_shares - training_shares
    place = int(growth.argmax())
    if growth[place] < FILLED * decrease:
        return None
    bin_name = change.bin_name(place)
    window = percent(float(window_shares[place]))
    training = percent(float(training_shares[place]))
    return fault(
        "filled in",
        [change],
        f"{change.name} is missing in {percent(change.window_missing)} of the instances, in "
        f"training in {percent(change.training_missing)}, and {bin_name} has {window} instead of "
        f"{training}: one value is filled in",
        f"leave {change.name} out where it is not known, as in training",
    )


def _of_one_cause(
    changes: Sequence[Change], size: Callable[[Change], float]
) -> Iterator[list[Change]]:
    """Columns with about as many affected instances, by `size`: it is 0 for a sound column."""
    sizes = {change.name: size(change) for change in changes}
    affected = [change for change in changes if sizes[change.name]]
    affected.sort(key=lambda change: sizes[change.name])
    group: list[Change] = []
    for change in affected:
        if group and sizes[change.name] - sizes[group[0].name] > ALIKE:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _absence(change: Change) -> float:
    gone = change.window_missing >= ABSENT and change.training_missing <= RARE
    return float(gone)


def _mistyped(change: Change) -> float:
    tolerated = MISTYPED + change.chance(MISTYPED)
    return change.mistyped_share if change.mistyped_share > tolerated else 0.0


def _missing(change: Change) -> float:
    increase = _increase(change)
    if increase <= _tolerated(change):
        return 0.0
    usual = change.training_missing > SELDOM
    return 0.0 if usual and change.in_season else increase


def _increase(change: Change) -> float:
    return change.window_missing - change.training_missing


def _tolerated(change: Change) -> float:
    """Of a change of the missing share."""
    chance = change.chance(change.training_missing, MISSING_ALPHA)
    return max(MISSING, change.column.missing_limit) + chance
