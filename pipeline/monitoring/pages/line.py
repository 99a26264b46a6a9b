"""The picture of a column's ninety days, in multiples of its limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.monitoring.pages.timeline import Point

WIDTH, HEIGHT = 300, 56  # in SVG's units
MARGIN = 3  # for the half of a dot
LOWEST_TOP, HIGHEST_TOP = 2.0, 5.0  # times the limit; what is farther is drawn at the top


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    is_over: bool


@dataclass(frozen=True, kw_only=True)
class Line:
    """`runs` are polylines between days without data, `dots` days alone or over the limit."""

    runs: list[str]
    dots: list[Dot]
    limit: float  # its y
    points: Sequence[Point]


def drawn(points: Sequence[Point]) -> Line:
    top = _top(points)
    dots = [_dot(points, place, top) for place in range(len(points))]
    by_presence = groupby(dots, key=lambda dot: dot is not None)
    runs = [[dot for dot in run if dot] for is_present, run in by_presence if is_present]
    alone = [run[0] for run in runs if len(run) == 1]
    over = [dot for dot in dots if dot and dot.is_over]
    return Line(
        runs=[_polyline(run) for run in runs if len(run) > 1],
        dots=[*alone, *over],
        limit=_y(1.0, top),
        points=points,
    )


def _top(points: Sequence[Point]) -> float:
    ratios = [point.ratio for point in points if point.ratio is not None]
    highest = 1.1 * max(ratios, default=0.0)
    lowest = max(highest, LOWEST_TOP)
    return min(lowest, HIGHEST_TOP)


def _dot(points: Sequence[Point], place: int, top: float) -> Dot | None:
    ratio = points[place].ratio
    if ratio is None:
        return None
    step = (WIDTH - 2 * MARGIN) / max(len(points) - 1, 1)
    x = round(MARGIN + place * step, 1)
    return Dot(x, _y(ratio, top), ratio > 1)


def _y(ratio: float, top: float) -> float:
    height = min(ratio, top) / top
    return round(HEIGHT - MARGIN - height * (HEIGHT - 2 * MARGIN), 1)


def _polyline(run: Sequence[Dot]) -> str:
    return " ".join(f"{dot.x},{dot.y}" for dot in run)
