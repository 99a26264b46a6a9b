"""Faults of served values, each told once with its remedy.

A fault is a mistake somewhere between the world and the model: to mend it is better than to train
on it. A rule comes before those that would tell its consequences.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pipeline.baseline.content import Baseline
from pipeline.baseline.profile import Profile
from pipeline.monitoring.rules.categories import new_value, spelling
from pipeline.monitoring.rules.change import Change, Clocks
from pipeline.monitoring.rules.constants import constant, partly_constant
from pipeline.monitoring.rules.exchanges import exchanged
from pipeline.monitoring.rules.gaps import absent, filled, missing, mistyped
from pipeline.monitoring.rules.requests import unanswered, unreadable, volume
from pipeline.monitoring.rules.roundings import coarse, rounded
from pipeline.monitoring.rules.shuffles import shuffled
from pipeline.monitoring.rules.ties import all_ties
from pipeline.monitoring.rules.units import unit
from pipeline.monitoring.verdict import Finding

FEWEST = 30  # witnesses: of fewer everything may be true
LOOKED_BACK = 13  # windows
REFUSED = ("mistyped", "absent")  # why the server answers without a score

Search = Callable[[Sequence[Change]], Iterator[Finding]]


def findings(baseline: Baseline, window: Profile, earlier: Sequence[Profile]) -> list[Finding]:
    """The window's faults, the worst first; `earlier` are the windows before, newest first."""
    current = _findings(baseline, window)
    lasting = [_with_since(finding, baseline, earlier) for finding in current]
    return [*lasting, *volume(baseline, window, earlier)]


def _with_since(finding: Finding, baseline: Baseline, earlier: Sequence[Profile]) -> Finding:
    """Say in how many of the windows before the same fault was."""
    count = 0
    for window in earlier[:LOOKED_BACK]:
        if not any(_same(finding, former) for former in _findings(baseline, window)):
            break
        count += 1
    if not earlier or not earlier[0].instances:
        return finding
    if not count:
        end = "; it was not so in the window before"
    elif count == 1:
        end = "; so it was in the window before"
    else:
        end = f"; so it was in the {count} windows before"
    return replace(finding, sentence=f"{finding.sentence}{end}")


def _same(finding: Finding, former: Finding) -> bool:
    return (finding.name, finding.columns) == (former.name, former.columns)


def _findings(baseline: Baseline, window: Profile) -> list[Finding]:
    """The faults that one window shows, the worst first."""
    if not window.instances:
        return [*unreadable(window)]
    columns = sorted(_of_columns(baseline, window), key=_rank)
    refused = any(finding.name in REFUSED for finding in columns)
    return [*unreadable(window), *columns, *(() if refused else unanswered(window))]


def _of_columns(baseline: Baseline, window: Profile) -> Iterator[Finding]:
    if window.effective < FEWEST:
        return
    changes = {change.name: change for change in _changes(baseline, window)}
    ties = all_ties(baseline, window)
    searches: Sequence[Search] = (
        absent,
        lambda unclaimed: exchanged(unclaimed, ties),
        mistyped,
        _each(unit),
        _each(constant),
        _each(filled),
        missing,
        _each(spelling),
        _each(new_value),
        _each(rounded),
        _each(partly_constant),
        _each(coarse),
    )
    claimed: set[str] = set()
    for search in searches:
        unclaimed = [change for change in changes.values() if change.name not in claimed]
        for finding in search(unclaimed):
            claimed |= set(finding.columns)
            yield finding
    yield from shuffled(changes, ties, claimed)


def _each(rule: Callable[[Change], Finding | None]) -> Search:
    def search(changes: Sequence[Change]) -> Iterator[Finding]:
        for change in changes:
            finding = rule(change)
            if finding is not None:
                yield finding

    return search


def _changes(baseline: Baseline, window: Profile) -> Iterator[Change]:
    clocks = Clocks(baseline, window)
    for name, column in baseline.columns.items():
        yield Change(
            name=name,
            column=column,
            before=baseline.reference.columns[name],
            after=window.columns[name],
            witnesses=window.effective,
            clocks=clocks,
            scale=baseline.scale,
        )


def _rank(finding: Finding) -> tuple[float, float]:
    return (-finding.rank, -(finding.distance or 0.0))
