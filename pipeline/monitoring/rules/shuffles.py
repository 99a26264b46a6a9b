"""Rows of one column that no longer belong to those of the others."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from pipeline.monitoring.rules.change import Change
from pipeline.monitoring.rules.ties import Tie
from pipeline.monitoring.rules.told import fault, listed
from pipeline.monitoring.verdict import Finding


def shuffled(
    changes: Mapping[str, Change], ties: Sequence[Tie], claimed: Collection[str]
) -> Iterator[Finding]:
    """The column that broken pairs share, while all pairs' columns are as in training."""
    unmoved = {name for name, change in changes.items() if not change.moved}
    as_ever = unmoved.difference(claimed)
    testable = [tie for tie in ties if tie.testable and as_ever.issuperset(tie.columns)]
    while any(tie.broken for tie in testable):
        names = _most_suspect(testable)
        own = [tie for tie in testable if not names.isdisjoint(tie.columns)]
        testable = [tie for tie in testable if names.isdisjoint(tie.columns)]
        suspects = [changes[name] for name in sorted(names)]
        yield _finding(suspects, [tie for tie in own if tie.broken])


def _most_suspect(testable: Sequence[Tie]) -> set[str]:
    """The column in most broken pairs and fewest whole ones; both of a pair without others."""
    broken = [tie for tie in testable if tie.broken]
    scores: Counter[str] = Counter()
    for tie in testable:
        score = 1 if tie.broken else -1
        for name in tie.columns:
            scores[name] += score
    suspects = {name for tie in broken for name in tie.columns}
    most = max(scores[name] for name in suspects)
    names = {name for name in suspects if scores[name] == most}
    pairs = [set(tie.columns) for tie in broken if names.issuperset(tie.columns)]
    return pairs[0] if pairs else {min(names)}


def _finding(changes: Sequence[Change], ties: Sequence[Tie]) -> Finding:
    names = [change.name for change in changes]
    name = " or ".join(names)
    partners = {column for tie in ties for column in tie.columns}
    partner_names = listed(sorted(partners.difference(names)))
    together = f"together with {partner_names}" if partner_names else "together"
    weakest = max(ties, key=lambda tie: tie.training - tie.window)
    pair = listed(weakest.columns)
    bits = max(0.0, weakest.window)
    return fault(
        "shuffled",
        changes,
        f"the rows of {name} are shuffled: its values are as in training, and no longer go "
        f"{together} ({pair} tell {bits:.2g} bits of each other instead of "
        f"{weakest.training:.2g})",
        f"look where requests are made for a join or a sort that leaves {name} behind",
    )
