"""Compares two runs that are here by what they left, without checkout, rows or venv."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, RunError
from pipeline.lineage.local_store import LocalStore, folders_of
from pipeline.local import run_names
from pipeline.reproduction import materials, origin
from pipeline.reproduction.verdict import Step, Verdict

Json = dict[str, Any]
Folders = Mapping[str, Mapping[str, Path]]
SURROUNDINGS = ("cpu", "cpus", "threads", "flags", "seed", "deterministic_operations")


def of_runs(runs: Path, name: str, other_name: str) -> Verdict:
    """The verdict on two runs of one model.

    Raises ConfigurationError for runs that are not, RunError naming what is gone of either.
    """
    run, other_run = origin.folder(runs, name), run_names.folder(runs, other_name)
    summary, other_summary = run_names.summary(run), run_names.summary(other_run)
    _refuse(summary, other_summary)
    folders, problems = _folders(runs, summary)
    other_folders, other_problems = _folders(runs, other_summary)
    if problems or other_problems:
        gone = "; ".join(dict.fromkeys([*problems, *other_problems]))  # of one store, once
        raise RunError(f"{run.name} cannot be compared with {other_run.name}: {gone}")
    try:
        compared = steps_of(folders, other_folders, summary, other_summary)
        surroundings = list(notes(summary, other_summary))
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(
            f"the summary of {run.name} or of {other_run.name} is damaged ({error!r:.100})"
        ) from error
    return Verdict(run.name, compared, surroundings, against=other_run.name)


def _refuse(summary: Json, other_summary: Json) -> None:
    run, other_run = summary["run"], other_summary["run"]
    model, other_model = summary["model"], other_summary["model"]
    if model != other_model:
        raise ConfigurationError(
            f"--against is {other_run}, a run of {other_model}: "
            f"allowed is one of {model}, as {run} is"
        )
    if run == other_run:
        raise ConfigurationError(f"--against is {run}, the same run: allowed is another one")


def _folders(runs: Path, summary: Json) -> tuple[Folders, list[str]]:
    """The folders of a run's outputs, and what of them is gone."""
    try:
        store = LocalStore(runs / f"store/{summary['model']}")
        folders = folders_of(store, summary["run"])
    except RunError as error:
        return {}, [str(error)]
    return folders, list(materials.artifacts_gone(folders))


def steps_of(old: Folders, new: Folders, old_summary: Json, new_summary: Json) -> list[Step]:
    from pipeline.job import startup

    startup.load()
    from pipeline.reproduction import steps

    return steps.compared(old, new, old_summary, new_summary)


def notes(old_summary: Json, new_summary: Json) -> Iterator[str]:
    """What was different about the surroundings, so that bits may differ rightly."""
    old_training, new_training = _training(old_summary), _training(new_summary)
    if not (old_training and new_training):
        return
    for name in SURROUNDINGS:
        old_value, new_value = old_training.get(name), new_training.get(name)
        if old_value != new_value:
            yield f"another environment: {name} was {old_value}, is {new_value}"


def _training(summary: Json) -> Json:
    """What is known of a training; nothing of one from before."""
    facts = summary["records"]
    training: Json = facts.get("training") or {}
    return training
