"""The report's pictures: each function takes numbers and returns an SVG as a data URI.

The page thereby needs nothing beside itself.
"""

import base64
import io
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

TRAIN, HELD_OUT, GUIDE = "#7a8ba6", "#0b57d0", "#c4c9d1"
STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def curve(title: str, series: dict[str, list[float]]) -> str:
    """One training curve: a value an epoch for train and validation."""
    figure, axes = _figure(title, "epoch", "")
    for name, values in series.items():
        colour = HELD_OUT if name == "validation" else TRAIN
        axes.plot(
            range(1, len(values) + 1), values, color=colour, label=name, marker="o", markersize=3
        )
    axes.legend(frameon=False)
    return _uri(figure)


def roc(false_positive_rates: list[float], recalls: list[float], area: float | None) -> str:
    title = f"ROC, area {area:.4f}" if area is not None else "ROC"
    figure, axes = _figure(title, "false positive rate", "true positive rate")
    axes.plot([0, 1], [0, 1], color=GUIDE, linestyle="--")
    axes.plot(false_positive_rates, recalls, color=HELD_OUT)
    axes.fill_between(false_positive_rates, recalls, color=HELD_OUT, alpha=0.08)
    return _uri(figure)


def calibration(predicted: list[float], observed: list[float], weights: list[float]) -> str:
    """Mean score against the share of positives, a point a bin, its area the bin's rows."""
    figure, axes = _figure("Calibration", "mean score of the bin", "share of positives")
    axes.plot([0, 1], [0, 1], color=GUIDE, linestyle="--")
    largest = max(weights, default=1.0)
    axes.scatter(
        predicted,
        observed,
        s=[12 + 120 * w / largest for w in weights],
        color=HELD_OUT,
        alpha=0.8,
        linewidths=0,
    )
    return _uri(figure)


def _figure(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    with rc_context(STYLE):
        figure = Figure(figsize=(4.2, 3.0), layout="constrained")
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
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def histogram_bars(counts: list[float]) -> list[tuple[float, float]]:
    """x and height of each bar of a small histogram, in a box of 100 x 24."""
    largest, width = max(counts, default=0) or 1, 100 / max(len(counts), 1)
    return [(i * width, 24 * count / largest) for i, count in enumerate(counts)]


def direct_edges(nodes: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The edges of a DAG, for its picture; an edge implied by a longer way is left out."""
    ancestors: dict[str, set[str]] = {}
    for node in nodes:
        further_ancestors = [ancestors[id_] for id_ in node["upstream"]]
        ancestors[node["id"]] = set(node["upstream"]).union(*further_ancestors)
    return [
        (source, node["id"])
        for node in nodes
        for source in node["upstream"]
        if not any(source in ancestors[sibling] for sibling in node["upstream"])
    ]


def layers(nodes: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The nodes of a DAG in columns, each to the right of all it waits for.

    One that waits for none stands right before its first consumer.
    """
    column: dict[str, int] = {}
    for node in nodes:
        column[node["id"]] = 1 + max((column[id_] for id_ in node["upstream"]), default=-1)
    for node in nodes:
        if not node["upstream"]:
            consumers = [column[n["id"]] for n in nodes if node["id"] in n["upstream"]]
            column[node["id"]] = min(consumers, default=1) - 1
    count = max(column.values(), default=-1) + 1
    return [[n for n in nodes if column[n["id"]] == i] for i in range(count)]
