"""The content of baseline.json, the file in each published model's folder.

It holds no value of a personal column, and no value of fewer than ten training rows.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from pipeline.baseline.profile import Profile
from pipeline.errors import DataError

VERSION = 1
NAME = "baseline.json"
CHECKED = ConfigDict(extra="forbid")

Kind = Literal["number", "category"]
Calendar = Literal["hour", "weekday", "day", "month"]


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Bins:
    """A number x is in bin i if edges[i - 1] <= x < edges[i].

    A category has a bin for each of `values` and a last one for all others. A personal column has
    one bin.
    """

    kind: Kind
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return len(self.edges) + 1 if self.kind == "number" else len(self.values) + 1


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Column:
    """A served raw column and its tolerated change.

    Limits are the changes of the column's own time blocks, before the noise of a window's size.
    """

    bins: Bins
    personal: bool = False
    unjudged: str | None = None  # why its distribution is not judged
    calendar: Calendar | None = None  # it follows the clock: other windows have other values
    windows: tuple[tuple[int, ...], ...] = ()  # then its bins' counts in each past window
    window_limit: float = 0.0  # bits from the nearest mixture of these
    limit: float  # of the Jensen-Shannon divergence, in bits
    limit_is_set: bool = False  # by model.toml: `scale` leaves it alone
    share_limit: float  # of the change of any one bin's share, the missing one included
    missing_limit: float = 0.0  # of the change of the missing share
    dispersion: float = 1.0  # blocks vary so many times as much as random rows
    quantiles: tuple[float, ...] = ()  # of numbers: 101, none of which fewer than ten rows have
    largest_share: float  # of the most frequent value
    importance: float | None = None  # the gate's metric lost where the column is permuted


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Pair:
    """Two columns with dependent values, each in about five bins of its own."""

    left: str
    right: str
    left_bins: Bins
    right_bins: Bins
    limit: float  # bits

    @property
    def name(self) -> str:
        return f"{self.left},{self.right}"


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Blocks:
    """The training rows' time blocks, as long as a window; `count` is 0 without a time column."""

    days: int
    count: int
    why_none: str | None = None


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Calibration:
    """Held-out rows by score bin, and how many of them are positives."""

    rows: tuple[int, ...]
    positives: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Slice:
    column: str
    value: str  # as a request's JSON has it, as text


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Gate:
    """The candidate's lower bounds on held-out rows; `slice_bounds` are as Baseline.slices."""

    metric: str
    lower_bound: float
    slice_bounds: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Labels:
    """The table of outcomes, as in [monitoring.labels] of model.toml."""

    table: str
    key: str = "key"
    outcome: str = "outcome"
    known_at: str = "known_at"
    delay_days: int


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Baseline:
    """All of baseline.json."""

    version: Literal[1] = 1
    model: str
    digest: str  # of the model's files, by its manifest
    schema: Mapping[str, str]  # served column -> INT, FLOAT or BYTES
    columns: Mapping[str, Column]
    pairs: tuple[Pair, ...] = ()
    slices: tuple[Slice, ...] = ()
    reference: Profile  # the training rows
    calibration: Calibration
    blocks: Blocks
    scale: float  # of all limits, so that all columns together keep the rate of false alarms
    false_alarms_a_year: float
    window_days: int
    gate: Gate | None = None  # an older commit's has none
    labels: Labels | None = None


_JSON: TypeAdapter[Baseline] = TypeAdapter(Baseline)


def encode(baseline: Baseline) -> bytes:
    return _JSON.dump_json(baseline) + b"\n"


def decode(content: bytes, uri: str) -> Baseline:
    """Return the baseline in `content`; DataError names `uri` for a damaged or a newer one."""
    try:
        document: Any = json.loads(content)
        version = document["version"]
        if version > VERSION:
            raise DataError(
                f"{uri} is of version {version}, allowed is {VERSION}: "
                "a newer commit wrote it, go on from that one"
            )
        return _JSON.validate_python(document)
    except (ValidationError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{uri} is no baseline: train the model again") from error
