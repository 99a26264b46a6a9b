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
    testable = [tie for tie in ties if tie.testable and _unmoved(tie, changes, claimed)]
    broken = [tie for tie in testable if tie.broken]
    while broken:
        names = _most_suspect(broken, testable)
        own = [tie for tie in broken if set(tie.columns) & set(names)]
        broken = [tie for tie in broken if tie not in own]
        yield _told([changes[name] for name in names], own)


def _unmoved(tie: Tie, changes: Mapping[str, Change], claimed: Collection[str]) -> bool:
    return not any(name in claimed or changes[name].moved for name in tie.columns)


def _most_suspect(broken: Sequence[Tie], testable: Sequence[Tie]) -> list[str]:
    """The column in most broken pairs and fewest whole ones; both of a pair without others."""
    whole = Counter(name for tie in testable if tie not in broken for name in tie.columns)
    suspects = Counter(name for tie in broken for name in tie.columns)
    suspects.subtract({name: whole[name] for name in suspects})
    most = max(suspects.values())
    names = sorted(name for name, score in suspects.items() if score == most)
    for tie in broken:
        if set(tie.columns) <= set(names):
            return sorted(tie.columns)
    return names[:1]


def _told(changes: Sequence[Change], ties: Sequence[Tie]) -> Finding:
    names = {change.name for change in changes}
    name = " or ".join(change.name for change in changes)
    partners = sorted({column for tie in ties for column in tie.columns} - names)
    weakest = max(ties, key=lambda tie: tie.before - tie.after)
    return fault(
        "shuffled",
        changes,
        f"the rows of {name} are shuffled: its values are as in training, and no longer go "
        f"together{' with ' if partners else ''}{listed(partners)} ({listed(weakest.columns)} "
        f"tell {max(0.0, weakest.after):.2g} bits of each other instead of {weakest.before:.2g})",
        f"look where requests are made for a join or a sort that leaves {name} behind",
    )
