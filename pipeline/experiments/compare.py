"""Compares runs by what their folders hold: what differs, and their curves on one axis."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.differences import models, plot, text
from pipeline.errors import RunError
from pipeline.experiments import curves, find
from pipeline.experiments.curves import Curves, Differences, Points
from pipeline.experiments.row import IMPORTED
from pipeline.local import run_names
from settings.values import printable

if TYPE_CHECKING:
    from pipeline.experiments.stage_folder import StageFolder

PLOTS = 8  # in a terminal
Json = dict[str, Any]


def answer(runs: Path, names: Sequence[str], stages: Sequence["StageFolder"] = ()) -> Json:
    """The differences of the runs of these names, the first of which is the base.

    A name is a run's of `runs`, else of the first of the stages that has it. Raises
    ConfigurationError for a name that is none, or several.
    """
    are_here = [bool(find.matches(runs, name)) for name in names]
    stages_by_run = {} if all(are_here) else _stages_by_run(stages)
    folders = [_folder(runs, name, stages_by_run) for name in names]
    summaries = [_summary(runs, folder) for folder in folders]

    def statistics_of(summary: Json) -> Path:
        run = summary["run"]
        stage = stages_by_run.get(run)
        return stage.statistics(run) if stage else models.statistics(runs, summary)

    differences = models.difference(summaries, statistics_of)
    differences["curves"] = _curves(folders, differences)
    return differences


def _stages_by_run(stages: "Sequence[StageFolder]") -> "dict[str, StageFolder]":
    """The first stage that has each run; asks all of them."""
    stages_by_run: dict[str, StageFolder] = {}
    for stage in reversed(stages):
        stages_by_run |= dict.fromkeys(stage.runs, stage)
    return stages_by_run


def _folder(runs: Path, name: str, stages_by_run: "Mapping[str, StageFolder]") -> Path:
    """The run's folder, after its files were fetched where it is a stage's."""
    if find.matches(runs, name):
        return find.folder(runs, name)
    matches = [run for run in stages_by_run if run.startswith(name)]
    if name in stages_by_run:
        matches = [name]
    match = run_names.only(name, matches)
    if match is None:
        return find.folder(runs, name)
    stage = stages_by_run[match]
    return stage.fetch(match)


def _summary(runs: Path, folder: Path) -> Json:
    file = folder / run_names.SUMMARY
    if not file.exists():
        raise RunError(f"{folder.name} has no summary: it runs now, or was killed before its end")
    summary = run_names.summary(folder)
    if not folder.is_relative_to(runs / IMPORTED):
        return summary
    # Two projects may have runs of one id.
    name = folder.relative_to(runs)
    return summary | {"run": name.as_posix()}


def _curves(folders: Sequence[Path], differences: Json) -> Differences:
    """What differs between the curves; runs without any are told where another has some."""
    runs, unknown = differences["runs"], differences["unknown"]
    all_curves: list[Curves] = []
    absent = []
    for run, folder in zip(runs, folders, strict=True):
        run_curves: Curves = {}
        try:
            run_curves = curves.read(folder)
            if not run_curves:
                absent.append(f"the curves of {run}: there are none")
        except RunError as error:
            unknown.append(f"the curves of {run}: {error}")
        all_curves.append(run_curves)
    if any(all_curves):
        unknown += absent
    return curves.difference(all_curves)


def as_text(differences: Json, is_terminal: bool) -> str:
    """The differences for people; a terminal gets no long diff."""
    parts = [text.of_models(differences, is_terminal)]
    titled_curves = list(_titled(differences["curves"]))
    if titled_curves:
        legend = _legend(differences["runs"])
        parts.append(legend)
    for title, all_points in titled_curves[:PLOTS]:
        thin_points = [curves.thinned(points) if points else None for points in all_points]
        picture = plot.draw(title, thin_points)
        parts.append(picture)
    hidden = len(titled_curves) - PLOTS
    if hidden > 0:
        parts.append(f"and {hidden:,} more curves, which --html draws")
    return "\n\n".join(parts)


def _titled(differences: Differences) -> Iterator[tuple[str, list[Points | None]]]:
    """The runs' curves by their titles."""
    for metric, series in differences.items():
        for name, all_points in series.items():
            title = f"{metric}, {name}" if name else metric
            yield printable(title), all_points


def _legend(runs: Sequence[str]) -> str:
    lines = []
    for number, run in enumerate(runs):
        mark = plot.mark(number)
        lines.append(f"{mark}  {printable(run)}")
    lines.append(f"{plot.SEVERAL}  several of them")
    return "\n".join(lines)
