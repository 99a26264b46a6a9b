"""A comparison as one self-contained page: what differs, whole, and the curves on one axis."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
BAR_WIDTH, BAR_HEIGHT, MARGIN = 200, 11, 6  # of an interval's picture, in pixels
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
    differs = text.has_differences(differences)
    records = _records(differences)
    pictures = list(_pictures(differences))
    template = environment.get_template("compare.html.jinja")
    page: str = template.render(
        answer=differences,
        marks=marks,
        differs=differs,
        bars=_bars,
        width=BAR_WIDTH,
        records=records,
        pictures=pictures,
    )
    return page


def colour(number: int) -> str:
    """The colour of a run, by its place in the comparison."""
    return COLOURS[number % len(COLOURS)]


def _records(differences: Json) -> list[tuple[str, Json]]:
    """The tables with a value for each run, by their titles."""
    titled_tables = []
    for name in (*models.RECORDS, "packages"):
        table = differences[name]
        if table:
            title = name.replace("_", " ")
            titled_tables.append((title, table))
    return titled_tables


def _kind(line: str) -> str:
    """The class of a line of a diff."""
    if line.startswith(("diff --git", "index ", "--- ", "+++ ", "new file", "deleted file")):
        return "head"
    return {"+": "new", "-": "gone", "@": "place"}.get(line[:1], "same")


def _bars(metric: Json) -> list[Bar]:
    """A bar for each run that has an interval, all on one scale."""
    measured = list(_measured(metric))
    ends: list[float] = []
    for _, _, interval in measured:
        ends += interval
    if not ends or min(ends) == max(ends):
        return []
    scale = _Scale(min(ends), max(ends))
    bars = []
    for row, (run, value, (low, high)) in enumerate(measured):
        left, middle, right = map(scale.place, (low, value, high))
        y = BAR_HEIGHT * (row + 0.5)
        bar = Bar(left, middle, right, y, colour(run))
        bars.append(bar)
    return bars


def _measured(metric: Json) -> Iterator[tuple[int, float, Sequence[float]]]:
    """The runs' places with their value and interval, of those that have both."""
    columns = zip(metric["values"], metric["intervals"], strict=False)
    for run, (value, interval) in enumerate(columns):
        if interval and value is not None:
            yield run, value, interval


@dataclass(frozen=True)
class _Scale:
    """The numbers at the ends of a picture of BAR_WIDTH."""

    least: float
    largest: float

    def place(self, number: float) -> float:
        width = BAR_WIDTH - 2 * MARGIN
        span = self.largest - self.least
        return MARGIN + width * (number - self.least) / span


def _pictures(differences: Json) -> Iterator[str]:
    """A picture for each metric with all runs' curves."""
    all_curves = differences["curves"]
    for metric in sorted(all_curves, key=lambda name: name in AXES):
        series = all_curves[metric]
        x, y = AXES.get(metric, ("step", ""))
        title = TITLES.get(metric, metric)
        is_pair = len(series) > 1
        lines: list[Line] = []
        for name, all_points in series.items():
            words = f" {name}" if is_pair else ""
            is_dashed = is_pair and name == TRAIN
            lines += _lines(all_points, words, is_dashed)
        yield charts.lines(title, x, y, lines)


def _lines(all_points: Sequence[Points | None], words: str, is_dashed: bool) -> Iterator[Line]:
    """The lines of one series, each named by its run's mark and `words`."""
    for number, points in enumerate(all_points):
        if points:
            label = f"{plot.mark(number)}{words}"
            thin_points = curves.thinned(points)
            yield Line(points=thin_points, colour=colour(number), label=label, is_dashed=is_dashed)
