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
    match = local.ID.fullmatch(run)
    model = match[2] if match and _is_name(match[2]) else None
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
    training = summary["records"].get("training") or {}
    trained_by = training.get("run")
    if not isinstance(trained_by, str | None):
        raise RunError(f"its {run_names.SUMMARY} names the run {trained_by!r:.80}")
    return Facts(
        run=line.run,
        model=line.model,
        noted=_noted(folder.name, line.started),
        changed=_changed(folder),
        tags=run_tags,
        blessed=line.blessed is True,
        version=Path(line.published).name if line.published else None,
        trained_by=trained_by,
    )


def _noted(run: str, text: Any) -> datetime | None:
    """The later of both times; None where the summary's can't be read."""
    started = _instant(text)
    named = local.time_of(run)
    if started and named:
        return max(started, named)
    return started


def _is_name(model: Any) -> bool:
    """Whether it is a folder's name: a path would lead out of the store."""
    return isinstance(model, str) and model not in ("", ".", "..") and Path(model).name == model


def _instant(text: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _changed(folder: Path) -> datetime:
    return datetime.fromtimestamp(folder.stat().st_mtime, UTC)
