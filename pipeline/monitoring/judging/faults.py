"""Faults of served values, each told once with its remedy.

A fault is a mistake somewhere between the world and the model: to fix it is better than to train on
it. A rule comes before those that would tell its consequences.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from pipeline.baseline.content import Baseline
from pipeline.baseline.profile import Profile
from pipeline.monitoring.judging.rules.categories import new_value, spelling
from pipeline.monitoring.judging.rules.change import Change, SeasonalColumns
from pipeline.monitoring.judging.rules.constants import constant, partly_constant
from pipeline.monitoring.judging.rules.exchanges import exchanged
from pipeline.monitoring.judging.rules.gaps import absent, filled, missing, mistyped
from pipeline.monitoring.judging.rules.partial_units import partial_unit
from pipeline.monitoring.judging.rules.requests import unanswered, unreadable, volume
from pipeline.monitoring.judging.rules.roundings import coarse, rounded
from pipeline.monitoring.judging.rules.shuffles import shuffled
from pipeline.monitoring.judging.rules.signs import sign
from pipeline.monitoring.judging.rules.ties import Tie, all_ties
from pipeline.monitoring.judging.rules.units import unit
from pipeline.monitoring.verdict import Finding

FEWEST = 30  # witnesses: of fewer everything may be true
LOOKED_BACK = 13  # windows
REFUSED = ("mistyped", "absent")  # why the server answers without a score

Key = tuple[str, tuple[str, ...]]
Search = Callable[[Sequence[Change]], Iterator[Finding]]


def findings(baseline: Baseline, window: Profile, earlier: Sequence[Profile]) -> list[Finding]:
    """The window's faults, the worst first; `earlier` are the windows before, newest first."""
    current = _findings(baseline, window)
    counts = _windows_in_a_row(current, baseline, earlier)
    follows_another = bool(earlier) and earlier[0].instances > 0
    history = [
        _with_history(finding, counts[_key(finding)]) if follows_another else finding
        for finding in current
    ]
    return [*history, *volume(baseline, window, earlier)]


def _windows_in_a_row(
    current: Sequence[Finding], baseline: Baseline, earlier: Sequence[Profile]
) -> Counter[Key]:
    """How many of the windows before had the same fault, up to the first without it."""
    counts: Counter[Key] = Counter()
    lasting = {_key(finding) for finding in current}
    for window in earlier[:LOOKED_BACK]:
        if not lasting:
            break
        lasting &= {_key(finding) for finding in _findings(baseline, window)}
        counts.update(lasting)
    return counts


def _with_history(finding: Finding, count: int) -> Finding:
    if not count:
        history = "it was not so in the window before"
    elif count == 1:
        history = "so it was in the window before"
    else:
        history = f"so it was in the {count} windows before"
    return replace(finding, sentence=f"{finding.sentence}; {history}")


def _key(finding: Finding) -> Key:
    return (finding.name, finding.columns)


def _findings(baseline: Baseline, window: Profile) -> list[Finding]:
    """The faults of one window, the worst first."""
    if not window.instances:
        return [*unreadable(window)]
    columns = sorted(_of_columns(baseline, window), key=_rank)
    names = {finding.name for finding in columns}
    without_score = unanswered(window) if names.isdisjoint(REFUSED) else ()
    return [*unreadable(window), *columns, *without_score]


def _of_columns(baseline: Baseline, window: Profile) -> Iterator[Finding]:
    if window.effective < FEWEST:
        return
    changes = {change.name: change for change in _changes(baseline, window)}
    ties = all_ties(baseline, window)
    claimed: set[str] = set()
    for search in _searches(ties):
        unclaimed = [change for change in changes.values() if change.name not in claimed]
        for finding in search(unclaimed):
            claimed |= set(finding.columns)
            yield finding
    yield from shuffled(changes, ties, claimed)


def _searches(ties: Sequence[Tie]) -> Iterator[Search]:
    """A root cause comes before its consequences."""
    yield absent
    yield partial(exchanged, ties=ties)
    yield mistyped
    yield from map(_each, (unit, sign, constant, filled))
    yield missing
    yield from map(_each, (spelling, new_value, partial_unit, rounded, partly_constant, coarse))


def _each(rule: Callable[[Change], Finding | None]) -> Search:
    def search(changes: Sequence[Change]) -> Iterator[Finding]:
        for change in changes:
            finding = rule(change)
            if finding is not None:
                yield finding

    return search


def _changes(baseline: Baseline, window: Profile) -> Iterator[Change]:
    seasonal = SeasonalColumns(baseline, window)
    for name, column in baseline.columns.items():
        yield Change(
            name=name,
            column=column,
            training=baseline.reference.columns[name],
            window=window.columns[name],
            witnesses=window.effective,
            seasonal=seasonal,
            scale=baseline.scale,
        )


def _rank(finding: Finding) -> tuple[float, float]:
    """By distance times importance: a fault has no limit for its distance to exceed."""
    distance = finding.distance or 0.0
    return (-distance * finding.importance, -distance)
