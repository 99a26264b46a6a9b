"""The picture of a number's bins: training's bars, and the window's within them.

The template writes these figures as SVG, since matplotlib takes seconds for a page of pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.baseline.content import Bins
from pipeline.monitoring.pages import figures
from pipeline.monitoring.pages.shares import Share

WIDTH, HEIGHT = 400, 92  # in SVG's units
MARGIN = 20  # left of the first bar, for the label of its edge
SIDE = 84  # of what lies beside the axis
BAR = 26  # the width of a bar there
WIDEST = 4 * BAR
CHARACTER = 7.4  # of a label
GAP = 10  # between labels


@dataclass(frozen=True)
class Slot:
    """A bin's place."""

    x: float
    width: float
    share: Share

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass(frozen=True)
class Mark:
    """A text below an axis, with its middle at `x`."""

    x: float
    text: str

    @property
    def width(self) -> float:
        return CHARACTER * len(self.text)

    @property
    def left(self) -> float:
        return self.x - self.width / 2


@dataclass(frozen=True, kw_only=True)
class Bars:
    """`train` and `serve` are paths; `highest` is the share at the top."""

    train: str
    serve: str
    slots: list[Slot]
    marks: list[Mark]
    highest: float


def drawn(bins: Bins, shares: Sequence[Share], *, are_whole: bool) -> Bars:
    axis = _axis(bins, shares)
    beside = _beside(shares[bins.count :])
    slots = [*axis, *beside]
    highest = max(share.larger for share in shares) or 1.0
    train = [_bar(slot, slot.share.train / highest, 1.0) for slot in slots]
    serve = [_bar(slot, slot.share.serve / highest, 0.5) for slot in slots]
    side_marks = [Mark(slot.middle, slot.share.label) for slot in beside]
    end = side_marks[0].left - GAP
    marks = _with_room(_axis_marks(bins, axis, are_whole), end)
    return Bars(
        train="".join(train),
        serve="".join(serve),
        slots=slots,
        marks=[*marks, *side_marks],
        highest=highest,
    )


def _axis(bins: Bins, shares: Sequence[Share]) -> list[Slot]:
    """Bins of equal width."""
    beside = len(shares) - bins.count
    width = (WIDTH - MARGIN - beside * SIDE) / bins.count
    narrow = min(width, WIDEST)
    on_axis = shares[: bins.count]
    return [Slot(MARGIN + place * narrow, narrow, share) for place, share in enumerate(on_axis)]


def _beside(shares: Sequence[Share]) -> list[Slot]:
    """What has no place on the axis, at its right."""
    slots = []
    right = WIDTH - SIDE * len(shares)
    for place, share in enumerate(shares):
        middle = right + (place + 0.6) * SIDE
        slots.append(Slot(middle - BAR / 2, BAR, share))
    return slots


def _bar(slot: Slot, height: float, breadth: float) -> str:
    """A path; `height` and `breadth` are parts of the whole."""
    width = breadth * slot.width - 1
    left = slot.middle - width / 2
    size = height * HEIGHT
    return f"M{left:.1f} {HEIGHT}v-{size:.1f}h{width:.1f}v{size:.1f}z"


def _axis_marks(bins: Bins, axis: Sequence[Slot], are_whole: bool) -> list[Mark]:
    """Edges below the lines between bars; whole numbers below the bars that hold them."""
    if are_whole or not bins.edges:
        return [Mark(slot.middle, _short(slot.share.label)) for slot in axis]
    names = figures.edge_names(bins.edges)
    return [Mark(slot.x, name) for slot, name in zip(axis[1:], names, strict=True)]


def _short(label: str) -> str:
    return label.replace("up to ", "≤").replace(" to ", "–").replace(" and more", "+")


def _with_room(marks: Sequence[Mark], end: float) -> list[Mark]:
    """As many as fit beside each other, evenly chosen, from 0 to `end`."""
    places = [_inside(mark, end) for mark in marks]
    widest = max(mark.width for mark in marks)
    steps = int((places[-1].x - places[0].x) / (widest + GAP))
    if steps < 1:
        middle = len(places) // 2
        return [places[middle]]
    last = len(places) - 1
    evenly = [last * step / steps for step in range(steps + 1)]
    numbers = {round(place) for place in evenly}
    return [places[number] for number in sorted(numbers)]


def _inside(mark: Mark, end: float) -> Mark:
    half = mark.width / 2
    right = min(mark.x, end - half)
    return Mark(max(right, half), mark.text)
