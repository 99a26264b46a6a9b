"""A run on this machine from folder to report.

The pipeline comes first, then its summary and report, whatever became of it.
"""

import contextlib
import json
import secrets
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TextIO

import tensorflow as tf
from ml_metadata import errors as mlmd_errors
from tfx.orchestration.pipeline import Pipeline

from pipeline import places, spec
from pipeline.cards import content, owner
from pipeline.cards import store as card_store
from pipeline.errors import RunError
from pipeline.experiments import tags
from pipeline.job import compiler
from pipeline.job.dag import create_pipeline, create_tuning_pipeline
from pipeline.local import run_names, runner
from pipeline.local.artifact_check import Problems
from pipeline.local.store import locked_store, write
from pipeline.model.folder import ModelFolder
from pipeline.progress import Progress, everything_else_to
from pipeline.provenance import capture, kept_tree
from pipeline.provenance import run_folder as statements
from pipeline.provenance.envelope import Signer
from pipeline.provenance.facts import Code
from pipeline.reports import curves, records, report, run_metadata, summary
from pipeline.tracking.sender import Sender
from settings import REPOSITORY


def run(
    folder: ModelFolder,
    runs: Path,
    tracker: Sender,
    *,
    tune: bool = False,
    until: date | None = None,
    signer: Signer | None = None,
    marks: Sequence[str] = (),
) -> dict[str, Any]:
    """Run, report, and return the summary, which also tells of a failed node.

    The data window ends before `until`; None takes all rows. A `signer` signs the statement,
    `marks` are the run's tags.
    """
    store = runs / "store" / folder.name
    run_id = new_run_id(folder.name)
    run_folder = runs / run_id
    log = run_folder / "log.txt"
    words = owner.read(folder.path)
    with locked_store(store), failures_told(run_folder):
        code = capture.code(REPOSITORY, folder, run_id)
        with _forgotten_unless_begun(code, log):
            pipeline_spec = spec.here(folder, store, tune=tune, until=until)
            pipeline = compiler.build(create_pipeline, pipeline_spec)
            if marks:
                run_folder.mkdir(parents=True)
                tags.keep(run_folder, marks)
            error = run_logged(pipeline, run_id, log, Problems(), pipeline_spec.compared_with)
        with everything_else_to(log) as terminal:
            upstream = _upstream(pipeline)
            metadata = run_metadata.from_metadata(store / "metadata.db", run_id, upstream, error)
            code = _compared_with_now(code, folder, terminal)
            origin = {
                "code": asdict(code),
                "environment": asdict(capture.environment()),
                "parameters": _parameters(folder, until, tune=tune),
            }
            run_summary = summary.compose(metadata, folder.name, folder.declaration, origin)
            card = content.compose(run_summary, folder.declaration, pipeline_spec.served, words)
            if card:
                card_store.keep(card, run_folder, store)
            run_curves = curves.compose(metadata)
            if run_curves:
                write(run_folder / run_names.CURVES, curves.encode(run_curves))
            page = report.render(metadata, run_summary, run_curves)
            tracker.announce(run_id)
            texts = _reported(run_folder, run_summary, page)
            statements.write(runs, run_summary, texts, signer)
            warning = tracker.hand_over(run_id)
            if warning:
                print(warning, file=terminal)
    return run_summary


def _reported(run_folder: Path, run_summary: dict[str, Any], page: str) -> dict[str, str]:
    """Write summary and report page; return their texts by the files' names."""
    summary_text = json.dumps(run_summary, indent=2)
    texts = {run_names.SUMMARY: f"{summary_text}\n", "report.html": page}
    for name, text in texts.items():
        write(run_folder / name, text)
    return texts


def _parameters(folder: ModelFolder, until: date | None, *, tune: bool) -> dict[str, Any]:
    """What the command line said, where that decides what is trained."""
    return {"until": str(until) if until else None, "tune": tune, "set": folder.changes}


@contextlib.contextmanager
def _forgotten_unless_begun(code: Code, log: Path) -> Iterator[None]:
    """Forget the files of a run that is refused before its first node: nobody can name it."""
    try:
        yield
    except BaseException:
        if code.kept and not log.exists():  # the log comes before the first node
            with contextlib.suppress(RunError):  # what is told is why the run was refused
                kept_tree.forget(REPOSITORY, [log.parent.name])
        raise


def _compared_with_now(code: Code, folder: ModelFolder, terminal: TextIO) -> Code:
    """The code with what has changed since; says what a person must know of it."""
    code = replace(code, changed_during_run=capture.changes(REPOSITORY, code, folder))
    if code.reason:
        print(f"the commit is unknown: {code.reason}", file=terminal)
    if code.not_kept:
        print(f"the files that ran are not kept: {code.not_kept}", file=terminal)
    if code.changed_during_run:
        names = ", ".join(code.changed_during_run)
        kept = code.kept or code.commit
        print(f"changed during the run: {names}; what it began with is {kept}", file=terminal)
    return code


def tune(folder: ModelFolder, runs: Path) -> dict[str, Any]:
    """Search the declared space on this machine and return the best hyperparameters."""
    store = runs / "store" / folder.name
    run_id = new_run_id(folder.name)
    log = runs / run_id / "log.txt"
    with locked_store(store), failures_told(log.parent):
        pipeline_spec = spec.here(folder, store, tune=True)
        pipeline = compiler.build(create_tuning_pipeline, pipeline_spec)
        error = run_logged(pipeline, run_id, log, Problems())
        if error:
            raise RunError(error)
        upstream: dict[str, list[str]] = {c.id: [] for c in pipeline.components}
        metadata = run_metadata.from_metadata(store / "metadata.db", run_id, upstream)
    return records.hyperparameters(metadata)


def _upstream(pipeline: Pipeline) -> dict[str, list[str]]:
    """The nodes in order, each with those that it waits for."""
    upstream = {}
    for component in pipeline.components:
        upstream[component.id] = sorted(node.id for node in component.upstream_nodes)
    return upstream


def new_run_id(model: str) -> str:
    """An id sortable by time; runs of the same second differ."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{model}-{secrets.token_hex(3)}"


@contextlib.contextmanager
def failures_told(place: Path) -> Iterator[None]:
    """Raise RunError if `place` or the store is no longer readable or writable."""
    try:
        yield
    except OSError as error:
        raise places.cannot_be_written(place, error) from error
    except (mlmd_errors.StatusError, tf.errors.OpError) as error:
        raise RunError(f"{places.shown(place)}: the run's records are gone ({error})") from error


def run_logged(
    pipeline: Pipeline,
    run_id: str,
    log: Path,
    problems: Problems,
    compared_with: str | None = None,
) -> str | None:
    """Run the pipeline; return its error in a sentence, or None."""
    with everything_else_to(log) as terminal, Progress(terminal) as progress:
        try:
            runner.run_here(pipeline, run_id, progress, problems, compared_with)
        except runner.NodeError as node_error:
            error = node_error.__cause__
            if isinstance(error, RunError):
                return str(error)
            # A node's code may raise anything: its traceback is in the log, its sentence here.
            traceback.print_exception(error)
            if places.is_full(error):
                return (
                    f"{node_error} found no room on the disk of {places.shown(log.parent)}: "
                    "make some and run again, what is published stays"
                )
            words = str(error).split()
            text = " ".join(words)[:300]
            return f"{node_error} failed with {type(error).__name__}: {text} (log: {log})"
        finally:
            for sentence in problems.sentences():
                print(sentence, file=terminal)
    return None
