"""How good a served version is: measured by outcomes, or else expected from its scores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import add
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from pipeline.baseline.content import Baseline
from pipeline.baseline.profile import Profile
from pipeline.monitoring.log.profile_rows import slice_name
from pipeline.monitoring.outcomes.counts import LabelCounts
from pipeline.monitoring.outcomes.days import ByDay
from pipeline.monitoring.quality import calibration, estimates, maturity, words
from pipeline.monitoring.quality.estimates import Figure, NoFigureError
from pipeline.monitoring.quality.maturity import Maturity


@dataclass(frozen=True, kw_only=True)
class Part:
    """The gate's metric of all instances, or of a slice: COLUMN=VALUE."""

    slice: str = ""
    figure: Figure
    lower_bound: float

    @property
    def is_worse(self) -> bool:
        """Whether even the upper end of the interval is below what the gate asked."""
        return self.figure.high < self.lower_bound


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Of one version in the days from `begin` to `end`; without parts, `sentence` says why."""

    source: Literal["outcomes", "scores"]
    metric: str
    begin: date
    end: date
    sentence: str
    parts: tuple[Part, ...] = ()  # the whole is the first
    gap: Figure | None = None  # between observed and promised shares of positives
    maturity: Maturity | None = None

    @property
    def worse(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.is_worse)


_JSON: TypeAdapter[Quality] = TypeAdapter(Quality)


def encode(quality: Quality | None) -> str | None:
    return None if quality is None else _JSON.dump_json(quality).decode()


def as_json(quality: Quality | None) -> Any:
    """For machines: days as text."""
    return None if quality is None else _JSON.dump_python(quality, mode="json")


def decode(text: str | None) -> Quality | None:
    """The quality of a row; none where an older commit or somebody else wrote it."""
    try:
        return _JSON.validate_json(text or "")
    except ValidationError:
        return None


def measure(
    baseline: Baseline, by_slice: Mapping[str, ByDay], last: date, delay_days: int
) -> Quality | None:
    """From the outcomes of the newest window of days older than the delay, on the day after `last`.

    None where the baseline has no gate, or nothing was asked in those days.
    """
    if baseline.gate is None:
        return None
    end = last - timedelta(days=delay_days)
    window = [end - timedelta(days=back) for back in range(baseline.window_days)]
    whole = _sum(by_slice.get("", {}), window)
    if whole is None or not (whole.keyed or whole.unkeyed):
        return None
    ripeness = maturity.of_window(by_slice[""], window, last)
    parts: tuple[Part, ...] = ()
    gap = None
    reason = words.no_figure(whole, ripeness)
    if not reason:
        try:
            gap = calibration.gap(
                whole.negatives, whole.positives, baseline.calibration, whole.effective
            )
            parts = tuple(_parts(baseline, by_slice, window))
        except NoFigureError as error:
            reason = str(error)
    days = words.days(window[-1], end)
    sentence = reason or words.measured(baseline.gate.metric, parts)
    unused = words.unused(whole)
    return Quality(
        source="outcomes",
        metric=baseline.gate.metric,
        begin=window[-1],
        end=end,
        sentence=f"{sentence}, {days}{unused}",
        parts=parts,
        gap=gap,
        maturity=ripeness,
    )


def expect(baseline: Baseline, window: Profile, begin: date, end: date) -> Quality | None:
    """From the scores of a window and the calibration of held-out rows, which has no slices.

    None where the baseline has no gate, or there are too few rows for a figure.
    """
    if baseline.gate is None:
        return None
    metric, bound = baseline.gate.metric, baseline.gate.lower_bound
    try:
        figure = estimates.expected(metric, window.scores, baseline.calibration, window.effective)
    except NoFigureError:
        return None
    part = Part(figure=figure, lower_bound=bound)
    sentence = words.expected(metric, part)
    return Quality(
        source="scores", metric=metric, begin=begin, end=end, sentence=sentence, parts=(part,)
    )


def _parts(
    baseline: Baseline, by_slice: Mapping[str, ByDay], window: Sequence[date]
) -> Iterator[Part]:
    """The whole, and the slices that have rows enough for a figure."""
    assert baseline.gate is not None
    gate = baseline.gate
    whole = _sum(by_slice[""], window)
    assert whole is not None
    yield Part(figure=_figure(gate.metric, whole), lower_bound=gate.lower_bound)
    for part, bound in zip(baseline.slices, gate.slice_bounds, strict=True):
        name = slice_name(part)
        counts = _sum(by_slice.get(name, {}), window)
        if counts is None:
            continue
        try:
            yield Part(slice=name, figure=_figure(gate.metric, counts), lower_bound=bound)
        except NoFigureError:
            continue


def _figure(metric: str, counts: LabelCounts) -> Figure:
    return estimates.measured(metric, counts.negatives, counts.positives, counts.effective)


def _sum(days: ByDay, window: Sequence[date]) -> LabelCounts | None:
    counted = [days[day] for day in window if day in days]
    return reduce(add, counted) if counted else None
