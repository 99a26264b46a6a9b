"""Reads the rows of Examples: as the records that a model takes, and as an Arrow table."""

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder, RecordBatchToExamplesEncoder

ROWS_AT_ONCE = 65536
ARROW_TYPES = {"INT": pa.int64(), "FLOAT": pa.float32(), "BYTES": pa.string()}
Records = list[bytes]  # serialized tf.Examples


def read(folder: str) -> Records:
    """Every record of a split's folder, here or under gs://."""
    records: Records = []
    for batch in batches(folder):
        records += batch
    return records


def read_table(folder: str, types: Mapping[str, str]) -> pa.Table:
    """These columns of every row of a split's folder; `types` are INT, FLOAT or BYTES by name."""
    return _table(batches(folder), types)


def table(records: Records, types: Mapping[str, str]) -> pa.Table:
    return _table([records], types)


def encoded(column: pa.ChunkedArray, name: str) -> Records:
    """Records of one column alone, null for a missing value."""
    present = pc.is_valid(column)
    ends = pc.cumulative_sum(present.cast(pa.int64()))
    offsets = pa.array([0, *ends.to_pylist()], pa.int64())
    values = column.drop_null().combine_chunks()
    if pa.types.is_string(values.type):
        values = values.cast(pa.large_binary())
    lists = pa.LargeListArray.from_arrays(offsets, values)
    batch = pa.RecordBatch.from_arrays([lists], [name])
    encoder = RecordBatchToExamplesEncoder()
    records: Records = encoder.encode(batch)
    return records


def joined(columns: Iterable[Records]) -> Records:
    """The records that have all of these columns, each of which is in one of them alone.

    Messages that are written one after the other are merged
    (protobuf.dev/programming-guides/encoding, "Last One Wins"), and TensorFlow's parser keeps to it
    (tensorflow/core/util/example_proto_fast_parsing.cc, ParseExample). Of a column that comes twice
    it takes the last one, and warns for each row.
    """
    return [b"".join(parts) for parts in zip(*columns, strict=True)]


def batches(folder: str) -> Iterator[Records]:
    """The records of a split's folder, some thousands at a time."""
    files = tf.io.gfile.glob(f"{folder}/*")
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    dataset = records.batch(ROWS_AT_ONCE)
    for batch in dataset.as_numpy_iterator():
        yield batch.tolist()


def _table(batches: Iterable[Records], types: Mapping[str, str]) -> pa.Table:
    schema = schema_pb2.Schema()
    for name, type_name in types.items():
        type_number = schema_pb2.FeatureType.Value(type_name)
        schema.feature.add(name=name, type=type_number)
    decoder = ExamplesToRecordBatchDecoder(schema.SerializeToString())
    decoded = [decoder.DecodeBatch(records) for records in batches]
    columns = {}
    for name, type_name in types.items():
        arrays = [_values(batch.column(name)) for batch in decoded]
        column = pa.chunked_array(arrays, ARROW_TYPES[type_name])
        columns[name] = column.combine_chunks()
    return pa.table(columns)


def _values(lists: pa.Array) -> pa.Array:
    """The one value of each list, null for an empty one and for no list."""
    lengths = pc.list_value_length(lists)
    offsets = lists.offsets.slice(0, len(lists))
    nothing = pa.scalar(None, offsets.type)
    places = pc.if_else(pc.greater(lengths, 0), offsets, nothing)
    values = lists.values.take(places)
    return _texts(values) if pa.types.is_large_binary(values.type) else values


def _texts(values: pa.Array) -> pa.Array:
    """The bytes as text, as a server reads them."""
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:  # not all of them are UTF-8
        texts = [_text(value) for value in values.to_pylist()]
        return pa.array(texts, pa.string())


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")
