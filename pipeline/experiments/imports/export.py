"""Finds the runs of an export by their files' names, and says which are not whole.

The exporter writes <data>/<project>/<run>_part_<n>.parquet as .parquet.tmp, and renames part 0
last (storage/parquet_writer.py): a run that has a .tmp, or not every part, is not whole.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from pipeline.errors import ConfigurationError, RunError
from pipeline.experiments.imports import schema
from pipeline.experiments.imports.wandb_files import Log
from pipeline.places import shown

PART = re.compile(r"(?P<run>.+)_part_(?P<number>0|[1-9][0-9]*)\.parquet(?P<unfinished>\.tmp)?")
DATA, FILES = "data", "files"
REGISTRY = ("models", "model_versions")
LAYOUT = (
    "allowed is a folder that neptune-exporter wrote: "
    "PROJECT/RUN_part_0.parquet, or data/ with them"
)


@dataclass
class Source:
    """One exported run, by its files' names."""

    folder: Path  # the project's
    name: str
    parts: dict[int, Path] = field(default_factory=dict)
    unfinished: list[Path] = field(default_factory=list)
    tracker = "neptune"

    def __str__(self) -> str:
        return f"{self.folder.name}/{self.name}"

    def whole_parts(self) -> list[Path]:
        """The parts in their order; raises RunError where some are missing or not complete."""
        if self.unfinished:
            raise RunError(
                f"{shown(self.unfinished[0])} is left over: the export of this run was "
                "interrupted, export it again"
            )
        last = max(self.parts)
        for number in range(last):
            if number not in self.parts:
                stem = self.folder / self.name
                raise RunError(
                    f"{shown(stem)}_part_{number}.parquet is missing: "
                    f"allowed are all parts from 0 to {last}, export the run again"
                )
        parts = [self.parts[number] for number in sorted(self.parts)]
        for part in parts:
            if not part.is_file():
                raise RunError(f"{shown(part)} is no file: allowed is a whole parquet file")
        return parts

    def row_count(self, part: Path) -> int:
        return schema.row_count(part)

    def batches(self, part: Path) -> Iterator[pa.RecordBatch]:
        return schema.batches(part)


@dataclass(frozen=True)
class Export:
    data: Path
    files: Path
    sources: Sequence[Source | Log]
    others: list[str]  # a sentence for each folder that is not taken


def name(text: str) -> str:
    """A name for a folder, as the exporter makes it (utils.sanitize_path_part).

    Different texts have different names: a digest of the text is its end.
    """
    beginning = "".join(map(_letter, text))
    content = text.encode("utf-8")
    digest = hashlib.blake2b(content, digest_size=8)
    return f"{beginning}-{digest.hexdigest()}"


def _letter(letter: str) -> str:
    """The letter, or one that a folder can have."""
    is_allowed = letter.isalnum() or letter in "_-"
    return letter if is_allowed else "_"


def read(folder: Path, files: Path | None) -> Export:
    """The runs of the folder; raises ConfigurationError where it has none."""
    data = folder / DATA
    if not data.is_dir():
        data = folder
    sources: list[Source] = []
    others = list(_outside(data))
    for project in _subfolders(data):
        sources += _sources(project)
        others += _others(project)
    if not sources:
        raise ConfigurationError(f"DIR is {shown(folder)}, which has no exported run: {LAYOUT}")
    files_beside = data.parent / FILES
    return Export(data, files or files_beside, sources, others)


def _subfolders(folder: Path) -> list[Path]:
    paths = sorted(folder.iterdir())
    return [path for path in paths if path.is_dir()]


def _sources(project: Path) -> list[Source]:
    sources: dict[str, Source] = {}
    for file in sorted(project.iterdir()):
        match = PART.fullmatch(file.name)
        if match is None:
            continue
        run, number = match["run"], match["number"]
        source = sources.setdefault(run, Source(project, run))
        if match["unfinished"]:
            source.unfinished.append(file)
        else:
            source.parts[int(number)] = file
    return list(sources.values())


def _outside(data: Path) -> Iterator[str]:
    for file in _parquet_files(data):
        yield f"{shown(file)} is not imported: allowed are files in a project's folder"


def _others(project: Path) -> Iterator[str]:
    for scope in REGISTRY:
        folder = project / scope
        if folder.is_dir():
            yield f"{shown(folder)} is not imported: it has models, no runs"
    for file in _parquet_files(project):
        if not PART.fullmatch(file.name):
            yield f"{shown(file)} is not imported: allowed are names like RUN_part_0.parquet"


def _parquet_files(folder: Path) -> list[Path]:
    """Also those that are left over."""
    paths = folder.glob("*.parquet*")
    return sorted(paths)
