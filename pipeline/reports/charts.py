"""The report's pictures: each function takes numbers and returns an SVG as a data URI.

The page thereby needs no other file.
"""

import base64
import io
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Node = dict[str, Any]  # as the summary holds it
Points = list[tuple[float, float | None]]  # x and y, None where y is no number

TRAIN, HELD_OUT, GUIDE = "#7a8ba6", "#0b57d0", "#c4c9d1"
STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def curve(title: str, series: dict[str, Points]) -> str:
    """One training curve: a value for each epoch, for train and validation."""
    figure, axes = _figure(title, "epoch", "")
    for name, points in series.items():
        colour = HELD_OUT if name == "validation" else TRAIN
        axes.plot(*_columns(points), color=colour, label=name, marker="o", markersize=3)
    axes.legend(frameon=False)
    return _uri(figure)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One run's curve; the dashed one of a pair is the less telling."""

    points: Points
    colour: str
    label: str | None = None
    is_dashed: bool = False


def lines(title: str, x: str, y: str, curves: Sequence[Line]) -> str:
    """Curves of several runs on one axis; a point between two gaps is a dot."""
    figure, axes = _figure(title, x, y)
    for line in curves:
        style = "--" if line.is_dashed else "-"
        xs, ys = _columns(line.points)
        axes.plot(xs, ys, color=line.colour, linestyle=style, linewidth=1.4, label=line.label)
        axes.plot(*_columns(_lone(line.points)), color=line.colour, linestyle="", marker="o", ms=3)
    if any(line.label for line in curves):
        axes.legend(frameon=False, fontsize=8)
    return _uri(figure)


def _lone(points: Points) -> Points:
    """The points without a neighbour, which a line does not show."""
    padded = [(0.0, None), *points, (0.0, None)]
    triples = zip(padded, padded[1:], padded[2:], strict=False)
    return [
        point
        for before, point, after in triples
        if point[1] is not None and before[1] is None and after[1] is None
    ]


def _columns(points: Points) -> tuple[list[float], list[float]]:
    """The xs and the ys; matplotlib leaves a gap where y is not a number."""
    ys = [math.nan if y is None else y for _, y in points]
    return [x for x, _ in points], ys


def roc(points: Points, area: float | None) -> str:
    title = "ROC"
    if area is not None:
        title = f"ROC, area {area:.4f}"
    figure, axes = _figure(title, "false positive rate", "true positive rate")
    axes.plot([0, 1], [0, 1], color=GUIDE, linestyle="--")
    false_positive_rates, recalls = _columns(points)
    axes.plot(false_positive_rates, recalls, color=HELD_OUT)
    axes.fill_between(false_positive_rates, recalls, color=HELD_OUT, alpha=0.08)
    return _uri(figure)


def calibration(predicted: list[float], observed: list[float], weights: list[float]) -> str:
    """Mean score against share of positives: a point for each bin, sized by the bin's rows."""
    figure, axes = _figure("Calibration", "mean score of the bin", "share of positives")
    axes.plot([0, 1], [0, 1], color=GUIDE, linestyle="--")
    largest = max(weights, default=1.0)
    areas = [12 + 120 * weight / largest for weight in weights]
    axes.scatter(predicted, observed, s=areas, color=HELD_OUT, alpha=0.8, linewidths=0)
    return _uri(figure)


def interval(title: str, value: float, low: float, high: float) -> str:
    """A difference and its interval, beside the line of no difference."""
    figure, axes = _figure(title, "", "", height=1.1)
    error = [[value - low], [high - value]]
    axes.axvline(0, color=GUIDE, linestyle="--")
    axes.errorbar([value], [0], xerr=error, color=HELD_OUT, fmt="o", capsize=4)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    return _uri(figure)


def _figure(title: str, x: str, y: str, height: float = 3.0) -> tuple[Figure, Axes]:
    with rc_context(STYLE):
        figure = Figure(figsize=(4.2, height), layout="constrained")
        axes = figure.add_subplot()
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(color="#eceff3")
    axes.set_axisbelow(True)
    return figure, axes


def _uri(figure: Figure) -> str:
    buffer = io.BytesIO()
    with rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    content = base64.b64encode(svg).decode()
    return f"data:image/svg+xml;base64,{content}"


def histogram_bars(counts: list[float]) -> list[tuple[float, float]]:
    """x and height of each bar of a small histogram, in a box of 100 x 24."""
    largest = max(counts, default=0) or 1
    width = 100 / max(len(counts), 1)
    return [(i * width, 24 * count / largest) for i, count in enumerate(counts)]


def direct_edges(nodes: list[Node]) -> list[tuple[str, str]]:
    """The edges of a DAG, for its picture; an edge implied by a longer way is left out."""
    ancestors: dict[str, set[str]] = {}
    edges = []
    for node in nodes:
        id_, upstream = node["id"], node["upstream"]
        further_ancestors: set[str] = set()
        for source in upstream:
            further_ancestors |= ancestors[source]
        ancestors[id_] = further_ancestors.union(upstream)
        edges += [(source, id_) for source in upstream if source not in further_ancestors]
    return edges


def layers(nodes: list[Node]) -> list[list[Node]]:
    """The nodes of a DAG in columns, each to the right of all it waits for.

    One that waits for none stands right before its first consumer.
    """
    numbers: dict[str, int] = {}  # of the columns, from the left
    consumers: dict[str, list[int]] = defaultdict(list)
    for node in nodes:
        id_, upstream = node["id"], node["upstream"]
        last_source = max((numbers[source] for source in upstream), default=-1)
        numbers[id_] = last_source + 1
        for source in upstream:
            consumers[source].append(numbers[id_])
    for node in nodes:
        id_ = node["id"]
        if not node["upstream"]:
            first_consumer = min(consumers[id_], default=1)
            numbers[id_] = first_consumer - 1
    count = max(numbers.values(), default=-1) + 1
    columns: list[list[Node]] = [[] for _ in range(count)]
    for node in nodes:
        number = numbers[node["id"]]
        columns[number].append(node)
    return columns
