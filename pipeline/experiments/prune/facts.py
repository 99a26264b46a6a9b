"""What decides whether a run may go, from its own folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import RunError
from pipeline.experiments import local, row, tags
from pipeline.experiments.row import HERE
from pipeline.local import run_names

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A run by its folder.

    `noted` is the later of the times in its id and its summary, `changed` the folder's; None is
    unknown. A `problem` says why its files can't be read.
    """

    run: str
    model: str | None
    noted: datetime | None = None
    changed: datetime | None = None
    tags: tuple[str, ...] = ()
    blessed: bool = False
    version: str | None = None  # that it published
    trained_by: str | None = None  # the run that made its model
    problem: str | None = None


def all_of(runs: Path) -> list[Facts]:
    """The facts of every run but the imported ones."""
    names = [folder for folder in local.folders(runs) if "/" not in folder]
    return [of(runs, name) for name in names]


def of(runs: Path, run: str) -> Facts:
    folder = runs / run
    model = _model_of(run)
    try:
        run_tags = tags.read(folder)
        summary = _summary(folder)
        if summary is None:
            return Facts(
                run=run,
                model=model,
                noted=local.time_of(run),
                changed=_changed(folder),
                tags=run_tags,
            )
        return _of_summary(folder, summary, run_tags)
    except (RunError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        return Facts(run=run, model=model, problem=f"{folder} is spared: {error!s:.200}")


def _model_of(run: str) -> str | None:
    """The model in the run's id; None in one of another form."""
    match = local.ID.fullmatch(run)
    if match is None:
        return None
    model = match[2]
    return model if _is_name(model) else None


def _summary(folder: Path) -> Json | None:
    """The summary; None where the run did not come to its end."""
    try:
        return run_names.summary(folder)
    except RunError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


def _of_summary(folder: Path, summary: Json, run_tags: tuple[str, ...]) -> Facts:
    line = row.of_summary(dict(summary), HERE, folder.name, run_tags)
    if line.run != folder.name:
        raise RunError(f"its {run_names.SUMMARY} is that of the run {line.run!r:.80}")
    if not _is_name(line.model):
        raise RunError(f"its {run_names.SUMMARY} names the model {line.model!r:.80}")
    published = Path(line.published or "")
    return Facts(
        run=line.run,
        model=line.model,
        noted=_noted(folder.name, line.started),
        changed=_changed(folder),
        tags=run_tags,
        blessed=line.blessed is True,
        version=published.name or None,
        trained_by=_trained_by(summary),
    )


def _trained_by(summary: Json) -> str | None:
    """The run that trained the model; raises RunError for what is no run's name."""
    records = summary["records"]
    training = records.get("training") or {}
    run = training.get("run")
    if run is None or isinstance(run, str):
        return run
    raise RunError(f"its {run_names.SUMMARY} names the run {run!r:.80}")


def _noted(run: str, text: Any) -> datetime | None:
    """The later of both times; None where the summary's can't be read."""
    started = _instant(text)
    named = local.time_of(run)
    if started and named:
        return max(started, named)
    return started


def _is_name(model: Any) -> bool:
    """Whether it is a folder's name: a path would lead out of the store."""
    if not isinstance(model, str) or model in ("", ".", ".."):
        return False
    path = Path(model)
    return path.name == model


def _instant(text: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _changed(folder: Path) -> datetime:
    status = folder.stat()
    return datetime.fromtimestamp(status.st_mtime, UTC)
