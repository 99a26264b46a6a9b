"""A version's ninety days: for each day the window that ends with it, and how far it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import add

from pipeline.baseline.content import Baseline
from pipeline.baseline.profile import Profile
from pipeline.monitoring.judging import distances
from pipeline.monitoring.judging.distances import Distance
from pipeline.monitoring.pages.look import ninety_days

Days = Mapping[date, Profile]
OUTSIDE = 2.0  # the ratio of any change where none is allowed


@dataclass(frozen=True)
class Point:
    """A column on one day; `ratio` 1 is its limit, None a day without data."""

    day: date
    ratio: float | None


def ratio(distance: Distance) -> float:
    """How many times its limit a column has moved, by the measure that says more."""
    by_bits = _ratio(distance.distance, distance.limit)
    by_share = _ratio(distance.share_change, distance.share_limit)
    return max(by_bits, by_share)


def lines(baseline: Baseline, days: Days, last: date) -> dict[str, list[Point]]:
    """Each judged column's ninety points; a window counts where its last day has data."""
    calendar = ninety_days(last)
    measured = [_measured(baseline, days, day) for day in calendar]
    return {name: list(_points(name, calendar, measured)) for name in distances.judged(baseline)}


def over_since(points: Sequence[Point]) -> date | None:
    """The first day of those over the limit that last until the newest day with data."""
    since = None
    for point in reversed(points):
        if point.ratio is None:
            continue
        if point.ratio <= 1:
            break
        since = point.day
    return since


def _measured(baseline: Baseline, days: Days, last: date) -> Mapping[str, Distance]:
    """Each column's distance in the window that ends with `last`; none without data then."""
    if last not in days or not days[last].instances:
        return {}
    dates = [last - timedelta(days=back) for back in range(baseline.window_days)]
    profiles = [days[day] for day in dates if day in days]
    window = reduce(add, profiles)
    return distances.of_columns(baseline, window)


def _points(
    name: str, calendar: Sequence[date], measured: Sequence[Mapping[str, Distance]]
) -> Iterator[Point]:
    for day, by_column in zip(calendar, measured, strict=True):
        distance = by_column.get(name)
        yield Point(day, None if distance is None else ratio(distance))


def _ratio(size: float, limit: float) -> float:
    if limit > 0:
        return size / limit
    return OUTSIDE if size > 0 else 0.0
