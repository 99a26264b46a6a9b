"""An answer of a lineage as a picture: an SVG that needs no font and no file beside it.

It is read from left to right: what something was made from, by which steps, and where it serves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from pipeline.lineage import text
from pipeline.lineage.answer import Backward, Forward, Hop, Origin, Touched

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
        return 2 * PADDING + TITLE + LINE * len(self.rows)


@dataclass
class Drawing:
    headline: str
    legend: str
    columns: list[tuple[str, list[Box]]]
    arrows: list[tuple[Box, Box]] = field(default_factory=list)


def of_backward(answer: Backward) -> str:
    deepest = max((max(_depths(origin.hops), default=0) for origin in answer.origins), default=0)
    titles = ["What it is made from", "Read by", *["Worked on by"] * deepest]
    titles += ["The model and its judges", "Where it answers"]
    columns: list[tuple[str, list[Box]]] = [(title, []) for title in titles]
    drawing = Drawing(
        f"Where {answer.asked} came from",
        "An arrow leads from what was read to what was made of it.",
        columns,
    )
    for origin in answer.origins:
        _add_origin(drawing, origin)
    return _svg(drawing)


def of_forward(answer: Forward) -> str:
    question = Box("Asked for", [answer.asked], "bad")
    columns = [("From here", [question]), ("Models", []), ("Where they answer", [])]
    drawing = Drawing(
        f"Where {answer.asked} went",
        "Solid: made from it. Dashed: only judged against it, made from none of it.",
        columns,
    )
    for touched in answer.models:
        _add_touched(drawing, question, touched)
    for judged in answer.judged:
        lines = [text.short(judged.digest), f"of {judged.run}", f"by {judged.by}"]
        box = Box(f"{judged.model}, only judged against it", lines, "apart")
        columns[1][1].append(box)
    return _svg(drawing)


def _add_origin(drawing: Drawing, origin: Origin) -> None:
    sources, *steps, models, places = (boxes for _, boxes in drawing.columns)
    rows = Box("Rows", [text.rows(origin)])
    parameters = [f"{name} {value}" for name, value in origin.hyperparameters.items()]
    sources += [
        rows,
        Box("Commit", [text.commit(origin)]),
        Box("Image and lock", [text.environment(origin)]),
        Box("Hyperparameters", parameters),
    ]
    words = [text.verdict(word) for word in origin.verdicts]
    name = f"{origin.model} {origin.version or ''}".strip()
    figures = f"measured: {text.measured(origin)}"
    model = Box(name, [text.short(origin.digest), *words, figures], "model")
    models.append(model)
    answers = [
        Box("Served", [text.span(each)], "plain" if each.end else "served")
        for each in origin.servings
    ]
    places += answers or [Box("Never served", [])]
    drawing.arrows += [(model, box) for box in answers]
    _add_hops(drawing, steps, origin.hops, rows, model)


def _add_hops(
    drawing: Drawing, columns: list[list[Box]], hops: list[Hop], rows: Box, model: Box
) -> None:
    """Each step to the right of those that it read from, and the last one before the model."""
    boxes = [Box(hop.node, [f"of {hop.run}"]) for hop in hops]
    depths = _depths(hops)
    for box, depth in sorted(zip(boxes, depths, strict=True), key=lambda entry: entry[1]):
        columns[depth].append(box)
    for hop, box in zip(hops, boxes, strict=True):
        if "examples" in hop.outputs and not hop.inputs:
            drawing.arrows.append((rows, box))
        for place in _nearest(hops, hop):
            drawing.arrows.append((boxes[place], box))
    if boxes:
        drawing.arrows.append((boxes[0], model))


def _nearest(hops: list[Hop], hop: Hop) -> list[int]:
    """The steps that it read from, but for those that another one of them read from as well."""
    sources = _sources(hops, hop)
    further = {place for source in sources for place in _sources(hops, hops[source])}
    return [place for place in sources if place not in further]


def _sources(hops: list[Hop], hop: Hop) -> list[int]:
    """The places of the steps that made what it read."""
    ids = {artifact.id for group in hop.inputs.values() for artifact in group}
    places = []
    for place, other in enumerate(hops):
        made = {artifact.id for group in other.outputs.values() for artifact in group}
        if other is not hop and made & ids:
            places.append(place)
    return places


def _depths(hops: list[Hop]) -> list[int]:
    """How many steps each one has before it, the longest way."""

    def depth(hop: Hop) -> int:
        depths = [depth(hops[place]) + 1 for place in _sources(hops, hop)]
        return max(depths, default=0)

    return [depth(hop) for hop in hops]


def _add_touched(drawing: Drawing, question: Box, touched: Touched) -> None:
    _, models, places = (boxes for _, boxes in drawing.columns)
    lines = [text.short(touched.digest), f"trained by {touched.run}"]
    is_served = any(serving.end is None for serving in touched.servings)
    model = Box(touched.model, lines, "bad" if is_served else "model")
    answers = [
        Box(f"Version {each.version}", [text.span(each)], "plain" if each.end else "bad")
        for each in touched.servings
    ]
    models.append(model)
    places += answers
    drawing.arrows.append((question, model))
    drawing.arrows += [(model, box) for box in answers]


def _svg(drawing: Drawing) -> str:
    heights = [_place(boxes, column) for column, (_, boxes) in enumerate(drawing.columns)]
    width = 2 * MARGIN + len(heights) * WIDTH + (len(heights) - 1) * GAP
    height = max(heights) + MARGIN
    return "\n".join([*_head(drawing, width, height), *_body(drawing), "</svg>", ""])


def _place(boxes: list[Box], column: int) -> int:
    """Set the boxes below each other; return where the next would be."""
    y = TOP
    for box in boxes:
        box.x, box.y = MARGIN + column * (WIDTH + GAP), y
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
    for column, (title, _) in enumerate(drawing.columns):
        x = MARGIN + column * (WIDTH + GAP)
        yield _text(x, TOP - 14, title, 'font-size="15" font-weight="bold" fill="#5f6b7a"')


def _body(drawing: Drawing) -> Iterator[str]:
    for start, end in drawing.arrows:
        yield f'<path d="{_path(start, end)}" fill="none" stroke="#5f6b7a" marker-end="url(#tip)"/>'
    for _, boxes in drawing.columns:
        for box in boxes:
            yield from _box(box)


def _path(start: Box, end: Box) -> str:
    """Straight below what stands between them, then a bow before the end."""
    x, y = start.x + WIDTH, start.y + start.height // 2
    end_y = end.y + end.height // 2
    bow, middle = end.x - GAP, end.x - GAP // 2
    return f"M{x},{y} H{bow} C{middle},{y} {middle},{end_y} {end.x - 1},{end_y}"


def _box(box: Box) -> Iterator[str]:
    yield (
        f'<rect x="{box.x}" y="{box.y}" width="{WIDTH}" height="{box.height}" rx="6" '
        f'style="{STYLES[box.style]}"/>'
    )
    x, y = box.x + PADDING, box.y + PADDING + 14
    yield _text(x, y, box.title, 'font-weight="bold"')
    for number, row in enumerate(box.rows, start=1):
        yield _text(x, y + 2 + number * LINE, row)


def _text(x: int, y: int, content: str, attributes: str = "") -> str:
    return f'<text x="{x}" y="{y}" {attributes}>{_escaped(content)}</text>'


def _escaped(content: str) -> str:
    """XML allows no control character, escaped or not."""
    return escape("".join(each if each.isprintable() else "?" for each in content))


def _wrapped(line: str) -> list[str]:
    rows = [""]
    for word in line.split():
        pieces = [word[i : i + LONGEST] for i in range(0, len(word), LONGEST)]
        for piece in pieces:
            longer = f"{rows[-1]} {piece}".strip()
            if len(longer) <= LONGEST:
                rows[-1] = longer
            else:
                rows.append(piece)
    return rows
