"""Compares examples record by record: their order counts, that of a record's columns does not."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

SPLIT = "Split-"  # before its name, of a folder of examples
AT_ONCE = 1000  # records that TensorFlow hands over


def difference(old: Path, new: Path) -> str | None:
    """The first difference of two artifacts of examples, split by split, or None."""
    old_splits, new_splits = _splits(old), _splits(new)
    if old_splits != new_splits:
        return f"splits {', '.join(old_splits)} and {', '.join(new_splits)}"
    for split in old_splits:
        change = _of_split(old / split, new / split)
        if change is not None:
            return change
    return None


def _of_split(old: Path, new: Path) -> str | None:
    """The first record that differs."""
    pairs = itertools.zip_longest(_records(old), _records(new))
    for number, (old_bytes, new_bytes) in enumerate(pairs):
        if old_bytes == new_bytes:
            continue
        old_record, new_record = _example(old_bytes), _example(new_bytes)
        if old_record != new_record:
            split = old.name.removeprefix(SPLIT)
            return f"record {number} of {split}: {_change(old_record, new_record)}"
    return None


def _splits(artifact: Path) -> list[str]:
    return sorted(path.name for path in artifact.glob(f"{SPLIT}*"))


def _records(split: Path) -> Iterator[bytes]:
    files = sorted(str(file) for file in split.iterdir())
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    for batch in records.batch(AT_ONCE).as_numpy_iterator():
        yield from batch


def _example(record: bytes | None) -> tf.train.Example | None:
    return None if record is None else tf.train.Example.FromString(record)


def _change(old: tf.train.Example | None, new: tf.train.Example | None) -> str:
    if old is None:
        return "there was none"
    if new is None:
        return "there is none any more"
    old_columns, new_columns = old.features.feature, new.features.feature
    names = {*old_columns, *new_columns}
    for name in sorted(names):
        old_values, new_values = _values(old_columns, name), _values(new_columns, name)
        if old_values != new_values:
            return f"{name} was {old_values}, is {new_values}"
    return "another encoding of a value"


def _values(columns: "dict[str, tf.train.Feature]", name: str) -> str:
    if name not in columns:
        return "missing"
    feature = columns[name]
    kind = feature.WhichOneof("kind")
    values = list(getattr(feature, kind).value) if kind else []
    return str(values)[:100]
