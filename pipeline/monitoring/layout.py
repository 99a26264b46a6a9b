"""What one statement counts for several versions of a model, and in which column of its own.

Versions that were trained anew have other bins; those of one baseline share theirs.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import TypeAdapter

from pipeline.baseline.content import Baseline, Bins, Pair, Slice

_PAIRS: TypeAdapter[tuple[Pair, ...]] = TypeAdapter(tuple[Pair, ...])
_SLICES: TypeAdapter[tuple[Slice, ...]] = TypeAdapter(tuple[Slice, ...])
_BINS: TypeAdapter[Bins] = TypeAdapter(Bins)


@dataclass(frozen=True, kw_only=True)
class ServedColumn:
    """A column of any of the baselines; `place` names it in SQL, where any text may be its name."""

    place: int
    name: str
    by_baseline: Mapping[int, Bins]  # by the baseline's place
    personal: bool

    @property
    def is_number(self) -> bool:
        return any(bins.kind == "number" for bins in self.by_baseline.values())

    @property
    def is_category(self) -> bool:
        return any(bins.kind == "category" for bins in self.by_baseline.values())

    @property
    def named(self) -> int:
        """The most bins of a number, or values of a category, in any baseline."""
        return max(named(bins) for bins in self.by_baseline.values())


@dataclass(frozen=True)
class Layout:
    """`versions` are the baselines by the deployed model's id."""

    versions: Mapping[str, Baseline]

    @cached_property
    def baselines(self) -> tuple[Baseline, ...]:
        """Those with bins of their own."""
        by_digest = {digest(baseline): baseline for baseline in self.versions.values()}
        return tuple(by_digest.values())

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each version's baseline, by the deployed model's id."""
        digests = [digest(baseline) for baseline in self.baselines]
        return {id_: digests.index(digest(baseline)) for id_, baseline in self.versions.items()}

    def digest_of(self, id_: str) -> str:
        """Of a version's bins; empty for an id without a baseline."""
        baseline = self.versions.get(id_)
        return digest(baseline) if baseline else ""

    @cached_property
    def columns(self) -> dict[str, ServedColumn]:
        """Those that are asked of an instance: a baseline's own, and its pairs'."""
        names = dict.fromkeys(name for baseline in self.baselines for name in baseline.columns)
        return {name: self._column(place, name) for place, name in enumerate(names)}

    def _column(self, place: int, name: str) -> ServedColumn:
        holders = {
            index: baseline.columns[name]
            for index, baseline in enumerate(self.baselines)
            if name in baseline.columns
        }
        return ServedColumn(
            place=place,
            name=name,
            by_baseline={index: column.bins for index, column in holders.items()},
            personal=any(column.personal for column in holders.values()),
        )

    @property
    def numbers(self) -> list[int]:
        """The places of the columns that hold numbers in any of the baselines."""
        return [column.place for column in self.columns.values() if column.is_number]

    @cached_property
    def pair_cells(self) -> list[int]:
        """The most cells of the first pair of any baseline, of the second, and so on."""
        most = max((len(baseline.pairs) for baseline in self.baselines), default=0)
        return [max(map(cells, self._pairs(place))) for place in range(most)]

    def _pairs(self, place: int) -> Iterable[Pair]:
        holders = (baseline for baseline in self.baselines if place < len(baseline.pairs))
        return (baseline.pairs[place] for baseline in holders)


def cells(pair: Pair) -> int:
    return pair.left_bins.count * pair.right_bins.count


def named(bins: Bins) -> int:
    """The bins without a category's last one, which is all other values."""
    return bins.count if bins.kind == "number" else len(bins.values)


def digest(baseline: Baseline) -> str:
    """Of the bins alone: profiles of other bins, of a model trained anew, don't add up."""
    columns = {
        name: _BINS.dump_python(column.bins, mode="json")
        for name, column in baseline.columns.items()
    }
    content = {
        "columns": columns,
        "personal": [name for name, column in baseline.columns.items() if column.personal],
        "pairs": _PAIRS.dump_python(baseline.pairs, mode="json"),
        "slices": _SLICES.dump_python(baseline.slices, mode="json"),
    }
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
