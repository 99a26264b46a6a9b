"""A day's outcomes in counts: they add up to windows, as profiles do."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import zip_longest
from typing import Any

from pipeline.baseline.content import Baseline, Slice
from pipeline.gcp.protocols import Row
from pipeline.monitoring.log.profile_columns import LABELS
from pipeline.monitoring.log.profile_rows import Values
from pipeline.monitoring.outcomes.statement import ARRIVED, BINS

Counts = tuple[int, ...]
CLASSES = ("negative", "positive")  # states of an instance with an outcome
UNUSED = ("unlabelled", "contradicting", "invalid", "unkeyed")
LATEST = 3  # times the delay: later outcomes are counted as one, and wait for nobody


@dataclass(frozen=True, kw_only=True)
class LabelCounts:
    """Of one version's instances of a day or a window, of all or of a slice."""

    negatives: Counts = (0,) * BINS  # by score
    positives: Counts = (0,) * BINS
    ages: Counts = ()  # labelled instances by days until the outcome was known; last: later
    labelled: int = 0
    unlabelled: int = 0  # with a key whose outcome is not known
    contradicting: int = 0  # with a key that has both outcomes
    invalid: int = 0  # with an outcome that is neither
    unkeyed: int = 0
    unscored: int = 0  # labelled, without a score from 0 to 1
    squares: int = 0  # the sum of the instances that each labelled one was asked with
    arrived: int = 0  # rows of the table that became known since the day

    @property
    def keyed(self) -> int:
        return self.labelled + self.unlabelled + self.contradicting + self.invalid

    @property
    def effective(self) -> float:
        """Kish's effective size, as of Profile."""
        return self.labelled**2 / self.squares if self.squares else 0.0

    def __add__(self, other: "LabelCounts") -> "LabelCounts":
        sums: dict[str, Any] = {}
        for name in _TOTALS:
            sums[name] = getattr(self, name) + getattr(other, name)
        for name in _ARRAYS:
            sums[name] = _added(getattr(self, name), getattr(other, name))
        return LabelCounts(**sums)


_ARRAYS = ("negatives", "positives", "ages")
_TOTALS = tuple(field.name for field in fields(LabelCounts) if field.name not in _ARRAYS)


def _added(left: Counts, right: Counts) -> Counts:
    pairs = zip_longest(left, right, fillvalue=0)
    return tuple(a + b for a, b in pairs)


def of_rows(
    rows: Iterable[Row], versions: Mapping[str, Baseline], delay_days: int
) -> dict[str, dict[Slice | None, LabelCounts]]:
    """What the statement counted, by version and slice; None is the whole."""
    stored = list(rows)
    arrived = sum(row["instances"] for row in stored if row["state"] == ARRIVED)
    by_version = {}
    for id_, baseline in versions.items():
        own = [row for row in stored if row["id"] == id_ and row["state"] != ARRIVED]
        parts: dict[Slice | None, LabelCounts] = {None: _counts(own, delay_days, arrived)}
        for place, part in enumerate(baseline.slices):
            inside = [row for row in own if row["slices"][place : place + 1] == "1"]
            parts[part] = _counts(inside, delay_days, arrived)
        by_version[id_] = parts
    return by_version


def _counts(rows: Sequence[Row], delay_days: int, arrived: int) -> LabelCounts:
    by_score = [row for row in rows if row["kind"] == "score"]
    by_age = [row for row in rows if row["kind"] == "age"]
    labelled = [row for row in by_score if row["state"] in CLASSES]
    others = {state: _instances(_of_state(by_score, state)) for state in UNUSED}
    unscored = [row for row in labelled if row["place"] is None]
    return LabelCounts(
        negatives=_by_place(_of_state(labelled, "negative"), BINS),
        positives=_by_place(_of_state(labelled, "positive"), BINS),
        ages=_by_place([row for row in by_age if row["state"] in CLASSES], oldest(delay_days) + 1),
        labelled=_instances(labelled),
        unscored=_instances(unscored),
        squares=sum(row["squares"] for row in labelled),
        arrived=arrived,
        **others,
    )


def oldest(delay_days: int) -> int:
    """The age in days that stands for all later ones, too."""
    return LATEST * delay_days + 1


def _of_state(rows: Iterable[Row], state: str) -> list[Row]:
    return [row for row in rows if row["state"] == state]


def _instances(rows: Iterable[Row]) -> int:
    return sum(row["instances"] for row in rows)


def _by_place(rows: Iterable[Row], places: int) -> Counts:
    counts = [0] * places
    for row in rows:
        if row["place"] is not None:
            place = min(row["place"], places - 1)
            counts[place] += row["instances"]
    return tuple(counts)


def to_rows(counts: LabelCounts) -> Iterator[Values]:
    """The rows of the profiles table, but for what tells them apart from other days'."""
    [kind] = LABELS
    totals = [getattr(counts, name) for name in _TOTALS]
    yield {"kind": kind, "feature": "totals", "counts": totals}
    for name in _ARRAYS:
        yield {"kind": kind, "feature": name, "counts": list(getattr(counts, name))}


def from_rows(rows: Iterable[Row]) -> LabelCounts | None:
    """None where one of them is missing."""
    by_feature = {row["feature"]: tuple(row["counts"]) for row in rows}
    if not {"totals", *_ARRAYS} <= by_feature.keys():
        return None
    values: dict[str, Any] = {name: by_feature[name] for name in _ARRAYS}
    values |= zip(_TOTALS, by_feature["totals"], strict=True)
    return LabelCounts(**values)
