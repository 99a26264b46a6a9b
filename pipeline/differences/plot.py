"""Curves of several runs on one axis, as text: a letter a run, * where several lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase, digits

from pipeline.experiments.curves import Points

WIDTH, HEIGHT = 64, 12
SEVERAL = "*"
MARKS = f"{ascii_uppercase}{ascii_lowercase}{digits}"

Cell = tuple[int, int]  # column and row, from the upper left


@dataclass(frozen=True)
class Frame:
    """The numbers at the sides of the plot."""

    left: float
    right: float
    bottom: float
    top: float

    def cell(self, x: float, y: float) -> Cell:
        column = _share(x, self.left, self.right) * (WIDTH - 1)
        row = _share(y, self.bottom, self.top) * (HEIGHT - 1)
        return round(column), HEIGHT - 1 - round(row)


def mark(number: int) -> str:
    """The letter of a run, by its place in the comparison."""
    return MARKS[number % len(MARKS)]


def draw(title: str, curves: list[Points | None]) -> str:
    """A curve for each run that has one; None is a run without it."""
    frame = _frame(curves)
    if frame is None:
        return f"{title}: no number"
    cells: dict[Cell, str] = {}
    for number, curve in enumerate(curves):
        letter = mark(number)
        for cell in set(_cells(curve or [], frame)):
            cells[cell] = SEVERAL if cell in cells else letter
    return "\n".join([title, *_rows(cells, frame)])


def _frame(curves: list[Points | None]) -> Frame | None:
    points = [point for curve in curves for point in curve or ()]
    xs = [x for x, _ in points]
    ys = [y for _, y in points if y is not None]
    return Frame(min(xs), max(xs), min(ys), max(ys)) if ys else None


def _rows(cells: dict[Cell, str], frame: Frame) -> Iterator[str]:
    top, bottom = f"{frame.top:.4g}", f"{frame.bottom:.4g}"
    margin = max(len(top), len(bottom))
    labels = [top, *[""] * (HEIGHT - 2), bottom]
    for row, label in enumerate(labels):
        letters = [cells.get((column, row), " ") for column in range(WIDTH)]
        content = "".join(letters)
        yield f"{label:>{margin}} |{content}".rstrip()
    indent = " " * margin
    line = "-" * WIDTH
    yield f"{indent} +{line}"
    left, right = f"{frame.left:.6g}", f"{frame.right:.6g}"
    space = WIDTH - len(left)
    yield f"{indent}  {left}{right:>{space}}"


def _cells(curve: Points, frame: Frame) -> Iterator[Cell]:
    """The cells of the points and of the lines between them; a gap has no line."""
    last = None
    for x, y in curve:
        if y is None:
            last = None
            continue
        cell = frame.cell(x, y)
        yield from _line(last or cell, cell)
        last = cell


def _line(begin: Cell, end: Cell) -> Iterator[Cell]:
    columns, rows = end[0] - begin[0], end[1] - begin[1]
    steps = max(abs(columns), abs(rows), 1)
    for step in range(steps + 1):
        share = step / steps
        yield begin[0] + round(columns * share), begin[1] + round(rows * share)


def _share(value: float, low: float, high: float) -> float:
    """Where the value lies between both; halves, since a difference may be too large a number."""
    span = high / 2 - low / 2
    return (value / 2 - low / 2) / span if span else 0.5
