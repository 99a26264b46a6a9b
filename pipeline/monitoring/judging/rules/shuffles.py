"""Shuffled rows of one column: they no longer belong to those of the others."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from operator import attrgetter

from pipeline.monitoring.judging.rules.change import Change
from pipeline.monitoring.judging.rules.sentences import fault, listed
from pipeline.monitoring.judging.rules.ties import Tie
from pipeline.monitoring.verdict import Finding


def shuffled(
    changes: Mapping[str, Change], ties: Sequence[Tie], claimed: Collection[str]
) -> Iterator[Finding]:
    """The common column of broken pairs, while all pairs' columns are as in training."""
    unmoved = {name for name, change in changes.items() if not change.moved}
    as_ever = unmoved.difference(claimed)
    testable = [tie for tie in ties if tie.testable and as_ever.issuperset(tie.columns)]
    broken = _broken(testable)
    while broken:
        names = _most_suspect(testable)
        suspects = [changes[name] for name in sorted(names)]
        yield _finding(suspects, [tie for tie in broken if tie.has_any_of(names)])
        testable = [tie for tie in testable if not tie.has_any_of(names)]
        broken = _broken(testable)


def _broken(ties: Sequence[Tie]) -> list[Tie]:
    return [tie for tie in ties if tie.broken]


def _most_suspect(testable: Sequence[Tie]) -> set[str]:
    """The column in most broken pairs and fewest whole ones; both of a pair without others."""
    scores: Counter[str] = Counter()
    for tie in testable:
        sign = 1 if tie.broken else -1
        scores.update(dict.fromkeys(tie.columns, sign))
    broken = _broken(testable)
    most = max(scores[name] for tie in broken for name in tie.columns)
    names = {name for tie in broken for name in tie.columns if scores[name] == most}
    for tie in broken:
        if names.issuperset(tie.columns):
            return set(tie.columns)
    return {min(names)}


def _finding(changes: Sequence[Change], ties: Sequence[Tie]) -> Finding:
    names = [change.name for change in changes]
    partners = {column for tie in ties for column in tie.columns}
    partner_names = sorted(partners.difference(names))
    name = " or ".join(names)
    end = f" with {listed(partner_names)}" if partner_names else ""
    weakest = max(ties, key=attrgetter("lost"))
    pair = listed(weakest.columns)
    bits = max(0.0, weakest.window)
    return fault(
        "shuffled",
        changes,
        f"the rows of {name} are shuffled: its values are as in training, and no longer go "
        f"together{end} ({pair} tell {bits:.2g} bits of each other instead of "
        f"{weakest.training:.2g})",
        f"look where requests are made for a join or a sort that leaves {name} behind",
    )
