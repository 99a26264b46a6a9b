"""Imports an export's runs, one after the other, each whole or not at all."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import places
from pipeline.errors import RunError
from pipeline.experiments import tags
from pipeline.experiments.imports import counts, export, facts, files, rows, schema, store
from pipeline.experiments.imports.counts import Counts
from pipeline.experiments.imports.export import Export, Source
from pipeline.experiments.imports.last import Gathered
from pipeline.experiments.imports.wandb_files import Log
from pipeline.local.run_names import SUMMARY
from pipeline.progress import Observer, shown
from settings.values import cut

NEW, REPLACED, UNCHANGED, REFUSED = "imported", "replaced", "unchanged", "not imported"
Json = dict[str, Any]


@dataclass(frozen=True)
class Result:
    """What became of one run; the counts are empty for one that is not imported."""

    source: str  # project and run as the export's files name them
    outcome: str
    run: str | None = None  # its folder below the folder of runs
    counts: Counts = field(default_factory=Counts)
    reason: str | None = None  # why it is not imported


@dataclass(frozen=True)
class _Run:
    """One whole run of the export, before it is read."""

    project: str
    id: str
    source: Source | Log
    parts: list[Path]
    part_rows: int

    def new_folder(self, aside: Path) -> Path:
        project_name, run_name = export.name(self.project), export.name(self.id)
        return aside / project_name / run_name

    def hashes(self) -> Json:
        return {part.name: _sha256(part) for part in self.parts}


def all_of(export_: Export, runs: Path, observer: Observer) -> Iterator[Result]:
    """Import each run; a run that can't be is a result too."""
    folders: dict[Path, Source | Log] = {}
    with store.opened(runs) as aside:
        for source in export_.sources:
            try:
                with shown(observer, str(source)):
                    run = _whole(source)
                    folder = run.new_folder(aside)
                    if folder in folders:
                        raise RunError(f"{source} is the same run as {folders[folder]}")
                    folders[folder] = source
                    result = _import(run, str(source), export_, runs, folder)
            except RunError as error:
                result = Result(str(source), REFUSED, reason=str(error))
            yield result


def _whole(source: Source | Log) -> _Run:
    """The run by its first row; raises RunError where a part can't be read."""
    parts = source.whole_parts()
    part_rows = sum(source.row_count(part) for part in parts)
    for part in parts:
        for batch in source.batches(part):
            if batch.num_rows == 0:
                continue
            project, id_ = _first(batch, "project_id"), _first(batch, "run_id")
            if not project or not id_:
                raise RunError(f"{places.shown(part)} names no project_id and run_id in its rows")
            return _Run(project, id_, source, parts, part_rows)
    [first_part, *_] = parts
    raise RunError(f"{places.shown(first_part)} has no rows")


def _first(batch: pa.RecordBatch, column: str) -> str | None:
    values = batch[column]
    value: str | None = values[0].as_py()
    return value


def _import(run: _Run, source: str, export_: Export, runs: Path, new: Path) -> Result:
    place = store.place(runs, new)
    folder = place.relative_to(runs)
    name = str(folder)
    project_name = export.name(run.project)
    source_files = export_.files / project_name
    hashes = run.hashes()
    before = store.kept_summary(place)
    facts_before = before["imported"] if before else {}
    is_same = facts_before.get("parts") == hashes
    if is_same and store.files_are_as_they_were(place, source_files):
        row_counts = counts.decode(facts_before["counts"])
        return Result(source, UNCHANGED, name, row_counts)
    try:
        summary, row_counts = _write(run, new, source_files, hashes)
        own_tags = summary["imported"]["tags"]
        names = store.merged_tags(place, before, own_tags)
        tags.keep(new, names)
        outcome = REPLACED if place.exists() else NEW
        store.put(runs, new)
    except OSError as error:
        raise places.cannot_be_written(new, error) from error
    except (pa.ArrowException, ValueError, ArithmeticError) as error:
        reason = cut(str(error), 120)
        raise RunError(f"{source} has a value that cannot be read ({reason})") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return Result(source, outcome, name, row_counts)


def _write(run: _Run, new: Path, source_files: Path, hashes: Json) -> tuple[Json, Counts]:
    """Make the run's folder but for its tags."""
    new.mkdir(parents=True)
    series_file, attributes_file = new / store.SERIES, new / store.ATTRIBUTES
    copies = new / files.PLACE
    stamps: Json = {}
    gathered, total = Gathered(), Counts()

    def copy(path: str) -> str | None:
        stamps[path] = files.stamp(path, source_files)
        return files.copied(path, source_files, copies)

    with (
        pq.ParquetWriter(series_file, rows.SERIES) as series,
        pq.ParquetWriter(attributes_file, schema.SCHEMA) as attributes,
    ):
        for part in run.parts:
            for batch in run.source.batches(part):
                _refuse_others(batch, run, part)
                columns = batch.select(schema.SCHEMA.names)
                split = rows.split(columns, copy)
                series.write_batch(split.points)
                attributes.write_batch(split.attributes)
                gathered.add_points(split.points)
                gathered.add_attributes(split.attributes)
                total.add(split.counts)
    written = _row_count(series_file) + _row_count(attributes_file)
    total.check(run.part_rows, written)
    summary = facts.summary(run.project, run.id, new.name, gathered)
    summary["imported"] |= {
        "source": run.source.tracker,
        "version": store.VERSION,
        "parts": hashes,
        "counts": total.document(),
    }
    _dump(new / store.FILES, stamps)
    _dump(new / SUMMARY, summary)
    return summary, total


def _row_count(file: Path) -> int:
    count: int = pq.read_metadata(file).num_rows
    return count


def _refuse_others(batch: pa.RecordBatch, run: _Run, part: Path) -> None:
    for column, expected in (("project_id", run.project), ("run_id", run.id)):
        for value in batch[column].unique().to_pylist():
            if value != expected:
                raise RunError(
                    f"{places.shown(part)} has rows of the {column} {value!r:.80} among those of "
                    f"{expected!r:.80}: allowed is one run a file"
                )


def _sha256(part: Path) -> str:
    try:
        with open(part, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RunError(places.failure(error)) from error


def _dump(file: Path, document: Json) -> None:
    text = json.dumps(document, allow_nan=False)
    file.write_text(f"{text}\n", encoding="utf-8")
