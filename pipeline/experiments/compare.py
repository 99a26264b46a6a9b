"""Compares runs by what their folders hold: what differs, and their curves on one axis."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.differences import models, plot, text
from pipeline.errors import RunError
from pipeline.experiments import curves, find
from pipeline.experiments.curves import Curves, Points
from pipeline.experiments.row import IMPORTED
from pipeline.local import run_names
from settings.values import printable

PLOTS = 8  # in a terminal
Json = dict[str, Any]


def answer(runs: Path, names: Sequence[str]) -> Json:
    """The differences of the runs of these names, the first of which is the base.

    Raises ConfigurationError for a name that is none, or several.
    """
    folders = [find.folder(runs, name) for name in names]
    summaries = [_summary(runs, folder) for folder in folders]
    differences = models.difference(summaries, partial(models.statistics, runs))
    differences["curves"] = _curves(folders, differences)
    return differences


def _summary(runs: Path, folder: Path) -> Json:
    if not (folder / run_names.SUMMARY).exists():
        raise RunError(f"{folder.name} has no summary: it runs now, or was killed before its end")
    summary = run_names.summary(folder)
    name = folder.relative_to(runs).as_posix()
    # Two projects may have runs of one id.
    return summary | {"run": name} if name.startswith(f"{IMPORTED}/") else summary


def _curves(folders: Sequence[Path], differences: Json) -> Json:
    all_curves: list[Curves] = []
    for folder in folders:
        try:
            all_curves.append(curves.read(folder))
        except RunError as error:
            differences["unknown"].append(f"the curves: {error}")
            all_curves.append({})
    if any(all_curves):
        for run, run_curves in zip(differences["runs"], all_curves, strict=True):
            if not run_curves:
                differences["unknown"].append(f"the curves of {run}: there are none")
    return curves.difference(all_curves)


def as_text(differences: Json, is_terminal: bool) -> str:
    """The differences for people; a terminal gets no long diff."""
    parts = [text.of_models(differences, is_terminal)]
    lines = [
        (title(metric, name), points)
        for metric, series in differences["curves"].items()
        for name, points in series.items()
    ]
    if lines:
        parts.append(_legend(differences["runs"]))
    parts += [plot.draw(each_title, _thinned(points)) for each_title, points in lines[:PLOTS]]
    if len(lines) > PLOTS:
        parts.append(f"and {len(lines) - PLOTS:,} more curves, which --html draws")
    return "\n\n".join(parts)


def title(metric: str, series: str) -> str:
    """A curve's title: a metric of a training names its series."""
    return printable(f"{metric}, {series}" if series else metric)


def _thinned(all_points: list[Points | None]) -> list[Points | None]:
    return [curves.thinned(points) if points else points for points in all_points]


def _legend(runs: Sequence[str]) -> str:
    lines = [f"{plot.mark(number)}  {printable(run)}" for number, run in enumerate(runs)]
    return "\n".join([*lines, f"{plot.SEVERAL}  several of them"])
