"""Boxes in columns and the arrows between them: an SVG that needs no font and no file beside it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from settings.values import printable

WIDTH, GAP, MARGIN = 262, 46, 30
LINE, TITLE, PADDING, BETWEEN = 18, 20, 10, 16
TOP = 100  # below the headline and the columns' titles
LONGEST = 35  # characters of a line in a box
STYLES = {
    "plain": "fill:#ffffff;stroke:#5f6b7a",
    "model": "fill:#e8f0fe;stroke:#1a56c4;stroke-width:2",
    "served": "fill:#e6f4ea;stroke:#137333;stroke-width:2",
    "bad": "fill:#fce8e6;stroke:#b3261e;stroke-width:2",
    "apart": "fill:#ffffff;stroke:#5f6b7a;stroke-dasharray:5 4",
}


@dataclass
class Box:
    title: str
    lines: list[str]
    style: str = "plain"
    x: int = 0
    y: int = 0

    @property
    def rows(self) -> list[str]:
        """The lines as they fit, whole words to a row."""
        return [row for line in self.lines for row in _wrapped(line)]

    @property
    def height(self) -> int:
        content = TITLE + LINE * len(self.rows)
        return content + 2 * PADDING


@dataclass
class Column:
    title: str
    boxes: list[Box] = field(default_factory=list)


@dataclass
class Drawing:
    headline: str
    legend: str
    columns: list[Column]
    arrows: list[tuple[Box, Box]] = field(default_factory=list)

    def svg(self) -> str:
        bottoms = [_place(column, number) for number, column in enumerate(self.columns)]
        right = _left(len(bottoms))
        width = right - GAP + MARGIN
        height = max(bottoms) + MARGIN
        lines = [*_head(self, width, height), *_body(self), "</svg>", ""]
        return "\n".join(lines)


def _left(column: int) -> int:
    """Where a column begins, by its number."""
    return MARGIN + column * (WIDTH + GAP)


def _place(column: Column, number: int) -> int:
    """Set the column's boxes below each other; return where the next would be."""
    y = TOP
    for box in column.boxes:
        box.x = _left(number)
        box.y = y
        y += box.height + BETWEEN
    return y


def _head(drawing: Drawing, width: int, height: int) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13" role="img">'
    )
    yield f"<title>{_escaped(drawing.headline)}</title>"
    yield (
        '<defs><marker id="tip" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">'
        '<path d="M0,0 L9,4 L0,8 z" fill="#5f6b7a"/></marker></defs>'
    )
    yield f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    yield _text(MARGIN, 34, drawing.headline, 'font-size="20" font-weight="bold"')
    yield _text(MARGIN, 56, drawing.legend, 'fill="#5f6b7a"')
    for number, column in enumerate(drawing.columns):
        x = _left(number)
        yield _text(x, TOP - 14, column.title, 'font-size="15" font-weight="bold" fill="#5f6b7a"')


def _body(drawing: Drawing) -> Iterator[str]:
    for start, end in drawing.arrows:
        path = _path(start, end)
        yield f'<path d="{path}" fill="none" stroke="#5f6b7a" marker-end="url(#tip)"/>'
    for column in drawing.columns:
        for box in column.boxes:
            yield from _box(box)


def _path(start: Box, end: Box) -> str:
    """Straight below what stands between them, then a bow before the end."""
    x = start.x + WIDTH
    y = start.y + start.height // 2
    end_y = end.y + end.height // 2
    bow = end.x - GAP
    middle = end.x - GAP // 2
    return f"M{x},{y} H{bow} C{middle},{y} {middle},{end_y} {end.x - 1},{end_y}"


def _box(box: Box) -> Iterator[str]:
    style = STYLES[box.style]
    yield (
        f'<rect x="{box.x}" y="{box.y}" width="{WIDTH}" height="{box.height}" rx="6" '
        f'style="{style}"/>'
    )
    x = box.x + PADDING
    y = box.y + PADDING + 14
    yield _text(x, y, box.title, 'font-weight="bold"')
    y += 2
    for row in box.rows:
        y += LINE
        yield _text(x, y, row)


def _text(x: int, y: int, content: str, attributes: str = "") -> str:
    return f'<text x="{x}" y="{y}" {attributes}>{_escaped(content)}</text>'


def _escaped(content: str) -> str:
    """XML allows no control character, escaped or not."""
    return escape(printable(content))


def _wrapped(line: str) -> list[str]:
    rows = [""]
    for piece in _pieces(line):
        longer = f"{rows[-1]} {piece}"
        row = longer.strip()
        if len(row) <= LONGEST:
            rows[-1] = row
        else:
            rows.append(piece)
    return rows


def _pieces(line: str) -> Iterator[str]:
    """The words, one that is too long in parts."""
    for word in line.split():
        for begin in range(0, len(word), LONGEST):
            yield word[begin : begin + LONGEST]
