"""Curves of several runs on one axis, as text: a letter a run, * where several lie."""

from collections.abc import Iterator
from string import ascii_letters, digits

from pipeline.experiments.curves import Points

WIDTH, HEIGHT = 64, 12
SEVERAL = "*"
MARKS = ascii_letters[26:] + ascii_letters[:26] + digits

Cells = dict[tuple[int, int], str]


def mark(number: int) -> str:
    """The letter of a run, by its place in the comparison."""
    return MARKS[number % len(MARKS)]


def draw(title: str, curves: list[Points | None]) -> str:
    """A curve for each run that has one; None is a run without it."""
    points = [point for curve in curves for point in curve or ()]
    ys = [y for _, y in points if y is not None]
    if not ys:
        return f"{title}: no number"
    xs = [x for x, _ in points]
    cells: Cells = {}
    for number, curve in enumerate(curves):
        for cell in _cells(curve or [], (min(xs), max(xs)), (min(ys), max(ys))):
            other = cells.get(cell, mark(number))
            cells[cell] = mark(number) if other == mark(number) else SEVERAL
    return "\n".join(_lines(title, cells, (min(xs), max(xs)), (min(ys), max(ys))))


def _lines(
    title: str, cells: Cells, xs: tuple[float, float], ys: tuple[float, float]
) -> Iterator[str]:
    labels = {0: f"{ys[1]:.4g}", HEIGHT - 1: f"{ys[0]:.4g}"}
    margin = max(map(len, labels.values()))
    yield title
    for row in range(HEIGHT):
        content = "".join(cells.get((column, row), " ") for column in range(WIDTH))
        yield f"{labels.get(row, ''):>{margin}} |{content.rstrip()}"
    yield f"{'':>{margin}} +{'-' * WIDTH}"
    yield f"{'':>{margin}}  {f'{xs[0]:.6g}':<{WIDTH // 2}}{f'{xs[1]:.6g}':>{WIDTH // 2}}"


def _cells(
    curve: Points, xs: tuple[float, float], ys: tuple[float, float]
) -> Iterator[tuple[int, int]]:
    """The cells of the points and of the lines between them; a gap has no line."""
    last = None
    for x, y in curve:
        if y is None:
            last = None
            continue
        column = round(_share(x, *xs) * (WIDTH - 1))
        row = round((1 - _share(y, *ys)) * (HEIGHT - 1))
        yield from _between(last or (column, row), (column, row))
        last = column, row


def _between(begin: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    steps = max(abs(end[0] - begin[0]), abs(end[1] - begin[1]), 1)
    for step in range(steps + 1):
        column, row = (a + (b - a) * step / steps for a, b in zip(begin, end, strict=True))
        yield round(column), round(row)


def _share(value: float, low: float, high: float) -> float:
    """Where the value lies between both; halves, since a difference may be too large a number."""
    span = high / 2 - low / 2
    return (value / 2 - low / 2) / span if span else 0.5
