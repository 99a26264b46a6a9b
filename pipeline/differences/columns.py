"""A column of rows as its statistics tell it, when the rows are gone.

TFDV's statistics hold the ten quantiles of a number, and the thousand most frequent categories.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline.errors import RunError

Floats: TypeAlias = NDArray[np.float64]
KINDS = {"num_stats": "number", "string_stats": "category", "bytes_stats": "bytes"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One split's column; figures that its kind does not have are empty."""

    kind: str  # number, category, bytes
    type: str  # TFDV's: INT, FLOAT, STRING
    missing: float  # share of the rows
    figures: Mapping[str, float] = field(default_factory=dict)  # mean, min, median, max
    edges: Floats = field(default_factory=lambda: np.empty(0))  # of the quantiles
    counts: Floats = field(default_factory=lambda: np.empty(0))  # between the edges
    categories: Mapping[str, float] = field(default_factory=dict)  # -> rows
    distinct: int = 0  # categories, those that are not listed too


@dataclass(frozen=True)
class Statistics:
    rows: int
    columns: Mapping[str, Column]


def read(artifact: Path, split: str) -> Statistics | None:
    """The split's statistics; None where the artifact has no such split."""
    folder = artifact / f"Split-{split}"
    file = folder / "FeatureStats.pb"
    if not file.exists():
        return None
    proto = statistics_pb2.DatasetFeatureStatisticsList()
    try:
        proto.ParseFromString(file.read_bytes())
        [dataset] = proto.datasets
    except Exception as error:  # whatever protobuf's C++ raises
        raise RunError(f"{file}: no statistics ({error!r:.100})") from error
    return Statistics(int(dataset.num_examples), dict(_columns(dataset)))


def _columns(dataset: Any) -> Iterator[tuple[str, Column]]:
    for feature in dataset.features:
        name = feature.name or ".".join(feature.path.step)
        yield name, _column(feature, dataset.num_examples)


def _column(feature: Any, rows: int) -> Column:
    which = feature.WhichOneof("stats")
    stats = getattr(feature, which)
    kind = KINDS.get(which, which)
    values = stats.common_stats.tot_num_values
    single = stats.common_stats.max_num_values <= 1
    present = values if single else stats.common_stats.num_non_missing
    facts: dict[str, Any] = {
        "kind": kind,
        "type": statistics_pb2.FeatureNameStatistics.Type.Name(feature.type),
        "missing": 1 - present / rows if rows else 0.0,
    }
    if kind == "number":
        facts |= _number(stats)
    if kind == "category":
        facts |= _category(stats)
    return Column(**facts)


def _number(stats: Any) -> dict[str, Any]:
    figures = {"mean": stats.mean, "min": stats.min, "median": stats.median, "max": stats.max}
    edges, counts = [], []
    for histogram in stats.histograms:
        if histogram.type == histogram.QUANTILES:
            edges = [bucket.low_value for bucket in histogram.buckets]
            edges += [bucket.high_value for bucket in histogram.buckets[-1:]]
            counts = [bucket.sample_count for bucket in histogram.buckets]
    return {"figures": figures, "edges": np.array(edges), "counts": np.array(counts)}


def _category(stats: Any) -> dict[str, Any]:
    buckets = stats.rank_histogram.buckets
    categories = {bucket.label: bucket.sample_count for bucket in buckets}
    return {"categories": categories, "distinct": int(stats.unique)}
