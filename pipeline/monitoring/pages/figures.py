"""Numbers, days and names as people read them."""

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from settings import values

NAME_CHARACTERS = 40
SENTENCE_CHARACTERS = 600
MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"


def plain(text: str) -> str:
    """A sentence, or a name where it has room, on one line and without invisible characters."""
    return values.cut(text, SENTENCE_CHARACTERS)


def cut(text: str) -> str:
    """A name that leaves room for others."""
    return values.cut(text, NAME_CHARACTERS) or "(empty)"


def count(number: float) -> str:
    return f"{number:,.0f}"


def share(fraction: float) -> str:
    """12 %, 3.4 %; a share that is nearly none or nearly all says so."""
    percent = 100 * fraction
    if 0 < percent < 0.1:
        return f"<0.1{SPACE}%"
    if 99.9 < percent < 100:
        return f">99.9{SPACE}%"
    return f"{_rounded(percent)}{SPACE}%"


def points(change: float) -> str:
    """The change of a share in percentage points, with its sign."""
    size = _rounded(abs(100 * change))
    if size == "0":
        return f"0{SPACE}points"
    sign = MINUS if change < 0 else "+"
    unit = "point" if size == "1" else "points"
    return f"{sign}{size}{SPACE}{unit}"


def bits(distance: float) -> str:
    """Two digits that count; a rounding error is no distance."""
    if distance < 0.0005:
        return "0" if distance < 1e-12 else "<0.001"
    return f"{distance:.3f}" if distance < 0.1 else f"{distance:.2f}"


def times(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:,.0f}"


def day(value: date) -> str:
    return f"{value.day} {value:%b} {value.year}"


def window(begin: datetime, end: datetime) -> str:
    """The window's first and last day; `end` is the midnight after the last one."""
    first, last = begin.date(), (end - timedelta(microseconds=1)).date()
    days = (last - first).days + 1
    if days <= 1:
        return day(last)
    return f"{_first_day(first, last)} to {day(last)} ({days} days)"


def bin_names(edges: Sequence[float], *, are_whole: bool = False) -> list[str]:
    """What each bin between these edges holds: whole numbers if all values are, or a range."""
    if not edges:
        return ["present"]
    if are_whole:
        firsts = [math.ceil(edge) for edge in edges]
        ranges = [_wholes(first, following - 1) for first, following in pairwise(firsts)]
        return [f"up to {_number(firsts[0] - 1)}", *ranges, f"{_number(firsts[-1])} and more"]
    names = edge_names(edges)
    ranges = [f"{low} to {high}" for low, high in pairwise(names)]
    return [f"below {names[0]}", *ranges, f"{names[-1]} and more"]


def edge_names(edges: Sequence[float]) -> list[str]:
    """Each edge with as few decimals as tell it from its neighbours: 12.499999 is 12.5."""
    rooms = [_room(edges, place) for place in range(len(edges))]
    return [_edge_name(edge, room) for edge, room in zip(edges, rooms, strict=True)]


def _room(edges: Sequence[float], place: int) -> float:
    """A small part of the way to the nearest other edge."""
    edge = edges[place]
    around = edges[max(place - 1, 0) : place + 2]
    gaps = [abs(neighbour - edge) for neighbour in around if neighbour != edge]
    return min(gaps, default=abs(edge)) / 16


def _edge_name(edge: float, room: float) -> str:
    for decimals in range(13):
        rounded = round(edge, decimals)
        if abs(rounded - edge) <= room:
            return _number(rounded)
    return _number(edge)


def _number(value: float) -> str:
    is_short = value == 0 or 1e-6 <= abs(value) < 1e15
    exact = Decimal(repr(value + 0.0))  # which makes 0 of -0
    text = f"{exact:,f}" if is_short else repr(value)
    if "." in text and is_short:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", MINUS)


def _wholes(first: int, last: int) -> str:
    return _number(first) if first >= last else f"{_number(first)} to {_number(last)}"


def _first_day(first: date, last: date) -> str:
    """Without what it shares with the last one."""
    if first.year != last.year:
        return day(first)
    if first.month != last.month:
        return f"{first.day} {first:%b}"
    return str(first.day)


def _rounded(percent: float) -> str:
    """One decimal below ten and right below a hundred, where it counts."""
    is_fine = percent < 9.95 or 99.5 <= percent < 100
    text = f"{percent:.1f}" if is_fine else f"{percent:,.0f}"
    return text.removesuffix(".0")
