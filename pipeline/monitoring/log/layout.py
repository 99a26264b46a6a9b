"""What one statement counts for several versions of a model, and in which column of its own.

Versions that were trained anew have other bins; those of one baseline share theirs.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import TypeAdapter

from pipeline.baseline.content import Baseline, Bins, Pair, Slice

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
    def digests(self) -> dict[str, str]:
        """Of each version's bins, by the deployed model's id."""
        return {id_: digest(baseline) for id_, baseline in self.versions.items()}

    def digest_of(self, id_: str) -> str:
        """Empty for an id without a baseline."""
        return self.digests.get(id_, "")

    @cached_property
    def baselines(self) -> tuple[Baseline, ...]:
        """Those with bins of their own."""
        by_digest = {}
        for id_, baseline in self.versions.items():
            by_digest[self.digests[id_]] = baseline
        return tuple(by_digest.values())

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each version's baseline, by the deployed model's id."""
        distinct = list(dict.fromkeys(self.digests.values()))
        return {id_: distinct.index(of_bins) for id_, of_bins in self.digests.items()}

    @cached_property
    def columns(self) -> dict[str, ServedColumn]:
        """Those that are asked of an instance, of any baseline."""
        bins: dict[str, dict[int, Bins]] = {}
        personal: set[str] = set()
        for index, baseline in enumerate(self.baselines):
            for name, column in baseline.columns.items():
                by_baseline = bins.setdefault(name, {})
                by_baseline[index] = column.bins
                if column.personal:
                    personal.add(name)
        return {
            name: ServedColumn(
                place=place, name=name, by_baseline=by_baseline, personal=name in personal
            )
            for place, (name, by_baseline) in enumerate(bins.items())
        }

    @property
    def numbers(self) -> list[int]:
        """The places of the columns that hold numbers in any of the baselines."""
        return [column.place for column in self.columns.values() if column.is_number]

    @cached_property
    def pair_cells(self) -> list[int]:
        """The most cells of the first pair of any baseline, of the second, and so on."""
        most: list[int] = []
        for baseline in self.baselines:
            for place, pair in enumerate(baseline.pairs):
                more = [0] * (place + 1 - len(most))
                most.extend(more)
                most[place] = max(most[place], cells(pair))
        return most


def cells(pair: Pair) -> int:
    return pair.left_bins.count * pair.right_bins.count


def named(bins: Bins) -> int:
    """The bins without a category's last one, which is all other values."""
    return bins.count if bins.kind == "number" else len(bins.values)


def digest(baseline: Baseline) -> str:
    """Of the bins alone: profiles of other bins, of a model trained anew, don't add up."""
    columns = [
        (name, _BINS.dump_python(column.bins, mode="json"), column.personal)
        for name, column in baseline.columns.items()
    ]
    pairs = [(pair.name, cells(pair)) for pair in baseline.pairs]
    edges = [_BINS.dump_python(bins, mode="json") for bins in _pair_bins(baseline)]
    slices = _SLICES.dump_python(baseline.slices, mode="json")
    content = json.dumps([columns, pairs, edges, slices])
    return hashlib.sha256(content.encode()).hexdigest()


def _pair_bins(baseline: Baseline) -> Iterator[Bins]:
    for pair in baseline.pairs:
        yield pair.left_bins
        yield pair.right_bins
