"""Reads W&B's offline runs as rows of the exporter's columns, with the package wandb's records.

A .wandb file is a log as LevelDB writes it, with a header of its own; each entry is a Record of
wandb/proto/wandb_internal.proto. wandb 0.31 has no reader in Python any more. The format:
https://github.com/google/leveldb/blob/main/doc/log_format.md
"""

import importlib
import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from google.protobuf.message import DecodeError

from pipeline.errors import ConfigurationError, RunError
from pipeline.experiments.imports.schema import POINT, SCALARS, SCHEMA
from pipeline.places import shown
from settings.values import cut

HEADER = b":W&B\xe1\xbe\x00"
BLOCK_BYTES = 32_768
ENTRY = struct.Struct("<IHB")  # checksum, length, kind
FULL, LAST = 1, 4
CHUNK_ROWS = 10_000
PACKAGE = "build/environment pipeline python3 -m pip install wandb"
TYPES: dict[type, str] = {bool: "bool", int: "int", float: "float", str: "string"}
UNREADABLE_RECORDS = (OSError, ValueError, TypeError, ArithmeticError, RecursionError, DecodeError)
Json = dict[str, Any]


@dataclass(frozen=True)
class Log:
    """One run's file; an end that is cut off is a run that was killed."""

    file: Path
    records: Any  # wandb.proto.wandb_internal_pb2
    tracker = "wandb"

    def __str__(self) -> str:
        return self.file.name

    def whole_parts(self) -> list[Path]:
        return [self.file]

    def row_count(self, part: Path) -> int:
        sizes = map(len, self.batches(part))
        return sum(sizes)

    def batches(self, part: Path) -> Iterator[pa.RecordBatch]:
        """The run's rows; raises RunError for another file's content."""
        rows: list[Json] = []
        try:
            for row in _Reading(self.records).rows(part):
                rows.append(row)
                if len(rows) == CHUNK_ROWS:
                    yield pa.RecordBatch.from_pylist(rows, schema=SCHEMA)
                    rows = []
            yield pa.RecordBatch.from_pylist(rows, schema=SCHEMA)
        except UNREADABLE_RECORDS as error:
            reason = cut(str(error), 120)
            raise RunError(f"{shown(part)} cannot be read as a run of W&B ({reason})") from error


def sources(folder: Path) -> list[Log]:
    """The runs of the folder; raises ConfigurationError where the package wandb is missing."""
    files = sorted(folder.rglob("*.wandb"))
    if not files:
        return []
    try:
        records = importlib.import_module("wandb.proto.wandb_internal_pb2")
    except ImportError as error:
        raise ConfigurationError(
            f"{shown(files[0])} is W&B's, which only the package wandb reads: "
            f"`{PACKAGE}` installs it"
        ) from error
    return [Log(file, records) for file in files]


def entries(content: bytes) -> Iterator[bytes]:
    """The log's entries; what follows a cut is left out. Raises ValueError for damaged ones."""
    if not content.startswith(HEADER):
        raise ValueError("it does not begin as W&B's files do")
    position, entry = len(HEADER), b""
    while position + ENTRY.size <= len(content):
        room = BLOCK_BYTES - position % BLOCK_BYTES
        if room < ENTRY.size:
            position += room
            continue
        checksum, length, kind = ENTRY.unpack_from(content, position)
        begin = position + ENTRY.size
        end = begin + length
        data = content[begin:end]
        damage = ValueError(f"its bytes from {position} on are damaged")
        if length > room - ENTRY.size or kind > LAST:
            raise damage
        if kind == 0 and any(content[position:]):
            raise damage
        if len(data) < length or kind == 0:  # cut off, or never written
            return
        kind_byte = bytes([kind])
        if zlib.crc32(kind_byte + data) != checksum:
            raise damage
        position = end
        entry += data
        if kind in (FULL, LAST):
            yield entry
            entry = b""


class _Reading:
    """One file's records as rows; the last values are known at the end alone."""

    def __init__(self, records: Any) -> None:
        self.records = records
        self.ids: Json = {}
        self.curves: set[str] = set()
        self.last: Json = {}
        self.is_ended = False

    def rows(self, file: Path) -> Iterator[Json]:
        for entry in entries(file.read_bytes()):
            record = self.records.Record()
            record.ParseFromString(entry)
            kind = record.WhichOneof("record_type")
            for row in self._rows(kind, record):
                yield self.ids | row
        if not self.ids:
            raise ValueError("it names no run")
        for row in self._end():
            yield self.ids | row

    def _rows(self, kind: str | None, record: Any) -> Iterator[Json]:
        if kind == "run":
            yield from self._run(record.run)
        elif kind == "config":
            yield from _config(record.config)
        elif kind == "history":
            yield from self._history(record.history)
        elif kind == "summary":
            self.last |= _values(record.summary.update)
        elif kind == "exit":
            self.is_ended = True
            yield _scalar("sys/failed", record.exit.exit_code != 0)
            yield _scalar("sys/running_time", float(record.exit.runtime))
        elif self.ids:
            yield {"attribute_path": kind, "attribute_type": kind}

    def _run(self, run: Any) -> Iterator[Json]:
        project = "/".join(part for part in (run.entity, run.project) if part)
        self.ids = {"project_id": project or "wandb", "run_id": run.run_id}
        texts = {"name": run.display_name, "description": run.notes, "hostname": run.host}
        for name, text in texts.items():
            if text:
                yield _scalar(f"sys/{name}", text)
        if run.HasField("start_time"):
            yield _scalar("sys/creation_time", run.start_time.ToDatetime(UTC))
        groups = [run.run_group] if run.run_group else []
        for name, tags in (("tags", list(run.tags)), ("group_tags", groups)):
            yield _row(f"sys/{name}", "string_set", tags)
        yield from _config(run.config)

    def _history(self, history: Any) -> Iterator[Json]:
        values = _values(history.item)
        step = values.pop("_step", history.step.num)
        seconds = values.pop("_timestamp", None)
        time = datetime.fromtimestamp(seconds, UTC) if seconds else None
        decimal = Decimal(str(step))
        place = {"step": decimal, "timestamp": time}
        self.curves |= values.keys()
        for name, value in values.items():
            yield place | _point(name, value)

    def _end(self) -> Iterator[Json]:
        if not self.is_ended:
            yield _scalar("sys/state", "running")
        for name, value in self.last.items():
            if name not in self.curves:
                own = name.startswith("_")
                yield from _flat(f"sys/wandb/{name}" if own else name, value)


def _point(name: str, value: Any) -> Json:
    """A value of the history: a number is a curve's point, all else a text."""
    if type(value) in (int, float):
        return _row(name, POINT, float(value))
    text = value if isinstance(value, str) else json.dumps(value)
    return _row(name, "string_series", text)


def _config(config: Any) -> Iterator[Json]:
    for item in config.update:
        name = _name(item)
        is_own = name.startswith("_")
        place = f"sys/wandb/{name}" if is_own else f"parameters/{name}"
        value = json.loads(item.value_json)
        yield from _flat(place, value)


def _values(items: Iterable[Any]) -> Json:
    """The items' values by their names."""
    values: Json = {}
    for item in items:
        name = _name(item)
        values[name] = json.loads(item.value_json)
    return values


def _flat(path: str, value: Any) -> Iterator[Json]:
    """A row for each value of a nested one; those of no scalar type as JSON."""
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _flat(f"{path}/{name}", part)
    else:
        scalar = value if type(value) in TYPES else json.dumps(value)
        yield _scalar(path, scalar)


def _name(item: Any) -> str:
    return item.key or "/".join(item.nested_key)


def _scalar(path: str, value: Any) -> Json:
    return _row(path, TYPES.get(type(value), "datetime"), value)


def _row(path: str, type_: str, value: Any) -> Json:
    columns = SCALARS | {POINT: "float_value", "string_series": "string_value"}
    return {"attribute_path": path, "attribute_type": type_, columns[type_]: value}
