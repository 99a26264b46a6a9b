"""A comparison as one self-contained page: what differs, whole, and the curves on one axis."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from pipeline.differences import models, plot, text
from pipeline.experiments import curves
from pipeline.experiments.curves import Points
from pipeline.reports import charts, templates
from pipeline.reports.charts import Line

# Okabe and Ito's, told apart by colour-blind people too: https://jfly.uni-koeln.de/color/
COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#1d2530"),
    *("#8c6d31", "#7b4173", "#637939"),
)
TRAIN = "train"  # drawn dashed where the validation is beside it
AXES = {"roc": ("false positive rate", "true positive rate")}
TITLES = {"roc": "ROC"}
BAR_WIDTH, BAR_HEIGHT = 200, 11  # of an interval's picture, in pixels
Json = dict[str, Any]


@dataclass(frozen=True)
class Bar:
    """A value and its interval in a picture of BAR_WIDTH, from the left."""

    low: float
    value: float
    high: float
    y: float
    colour: str


def draw(differences: Json) -> str:
    """The page as HTML."""
    environment = templates.environment(Path(__file__).parent)
    environment.filters |= {
        "shown": text.shown,
        "figure": text.figure,
        "delta": text.delta,
        "column": text.of_column,
        "kind": _kind,
    }
    runs = differences["runs"]
    marks = [(plot.mark(i), colour(i), run) for i, run in enumerate(runs)]
    page: str = environment.get_template("compare.html.jinja").render(
        answer=differences,
        marks=marks,
        differs=text.has_differences(differences),
        bars=_bars,
        width=BAR_WIDTH,
        records=_records(differences),
        pictures=list(_pictures(differences)),
    )
    return page


def colour(number: int) -> str:
    """The colour of a run, by its place in the comparison."""
    return COLOURS[number % len(COLOURS)]


def _records(differences: Json) -> list[tuple[str, Json]]:
    """The tables with a value for each run, by their titles."""
    tables = {name: differences[name] for name in (*models.RECORDS, "packages")}
    return [(name.replace("_", " "), table) for name, table in tables.items() if table]


def _kind(line: str) -> str:
    """The class of a line of a diff."""
    if line.startswith(("diff --git", "index ", "--- ", "+++ ", "new file", "deleted file")):
        return "head"
    return {"+": "new", "-": "gone", "@": "place"}.get(line[:1], "same")


def _bars(metric: Json) -> list[Bar]:
    """A bar for each run that has an interval, all on one scale."""
    columns = zip(count(), metric["values"], metric["intervals"], strict=False)
    measured = [(i, value, pair) for i, value, pair in columns if pair and value is not None]
    ends = [end for _, _, pair in measured for end in pair]
    if not ends or min(ends) == max(ends):
        return []
    least: float = min(ends)
    span: float = max(ends) - least

    def place(number: float) -> float:
        return 6 + (BAR_WIDTH - 12) * (number - least) / span

    bars = []
    for row, (i, value, (low, high)) in enumerate(measured):
        y = BAR_HEIGHT * (row + 0.5)
        bars.append(Bar(place(low), place(value), place(high), y, colour(i)))
    return bars


def _pictures(differences: Json) -> Iterator[str]:
    """A picture for each metric with all runs' curves."""
    metrics = sorted(differences["curves"].items(), key=lambda item: item[0] in AXES)
    for metric, series in metrics:
        x, y = AXES.get(metric, ("step", ""))
        title = TITLES.get(metric, metric)
        is_pair = len(series) > 1
        lines: list[Line] = []
        for name, all_points in series.items():
            lines += _lines(all_points, f" {name}" if is_pair else "", is_pair and name == TRAIN)
        yield charts.lines(title, x, y, lines)


def _lines(all_points: Sequence[Points | None], words: str, is_dashed: bool) -> Iterator[Line]:
    """The lines of one series, each named by its run's mark and `words`."""
    for number, points in enumerate(all_points):
        if points:
            label = f"{plot.mark(number)}{words}"
            thin_points = curves.thinned(points)
            yield Line(points=thin_points, colour=colour(number), label=label, is_dashed=is_dashed)
