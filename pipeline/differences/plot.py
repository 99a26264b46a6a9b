"""Curves of several runs on one axis, as text: a letter a run, * where several lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase, digits

from pipeline.experiments.curves import Points

WIDTH, HEIGHT = 64, 12
LAST_COLUMN, LAST_ROW = WIDTH - 1, HEIGHT - 1
SEVERAL = "*"
MARKS = f"{ascii_uppercase}{ascii_lowercase}{digits}"

Curves = list[Points | None]
Cell = tuple[int, int]  # column and row, from the upper left
Cells = dict[Cell, str]


@dataclass(frozen=True)
class Frame:
    """The numbers at the sides of the plot."""

    left: float
    right: float
    bottom: float
    top: float

    def cell(self, x: float, y: float) -> Cell:
        right = _share(x, self.left, self.right)
        up = _share(y, self.bottom, self.top)
        column = round(right * LAST_COLUMN)
        row = round(up * LAST_ROW)
        return column, LAST_ROW - row


def mark(number: int) -> str:
    """The letter of a run, by its place in the comparison."""
    return MARKS[number % len(MARKS)]


def draw(title: str, curves: Curves) -> str:
    """A curve for each run that has one; None is a run without it."""
    frame = _frame(curves)
    if frame is None:
        return f"{title}: no number"
    cells: Cells = {}
    for number, curve in enumerate(curves):
        letter = mark(number)
        own_cells = set(_cells(curve or [], frame))
        for cell in own_cells:
            cells[cell] = SEVERAL if cell in cells else letter
    lines = [title, *_rows(cells, frame)]
    return "\n".join(lines)


def _frame(curves: Curves) -> Frame | None:
    points = [point for curve in curves for point in curve or ()]
    xs = [x for x, _ in points]
    ys = [y for _, y in points if y is not None]
    return Frame(min(xs), max(xs), min(ys), max(ys)) if ys else None


def _rows(cells: Cells, frame: Frame) -> Iterator[str]:
    top = f"{frame.top:.4g}"
    bottom = f"{frame.bottom:.4g}"
    margin = max(len(top), len(bottom))
    labels = {0: top, LAST_ROW: bottom}
    for row in range(HEIGHT):
        label = labels.get(row, "")
        letters = [cells.get((column, row), " ") for column in range(WIDTH)]
        content = "".join(letters)
        line = f"{label:>{margin}} |{content}"
        yield line.rstrip()
    indent = " " * margin
    axis = "-" * WIDTH
    yield f"{indent} +{axis}"
    left = f"{frame.left:.6g}"
    right = f"{frame.right:.6g}"
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
    column, row = begin
    last_column, last_row = end
    columns = last_column - column
    rows = last_row - row
    steps = max(abs(columns), abs(rows), 1)
    for step in range(steps + 1):
        share = step / steps
        yield column + round(columns * share), row + round(rows * share)


def _share(value: float, low: float, high: float) -> float:
    """Where the value lies between both; halves, since a difference may be too large a number."""
    half = low / 2
    span = high / 2 - half
    if not span:
        return 0.5
    return (value / 2 - half) / span
