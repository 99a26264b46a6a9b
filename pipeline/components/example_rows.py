"""Reads the rows of Examples: as the records that a model takes, and as an Arrow table."""

import itertools
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder, RecordBatchToExamplesEncoder

ROWS_AT_ONCE = 65536
Records = list[bytes]  # serialized tf.Examples


def read(folder: str) -> Records:
    """Every record of a split's folder, here or under gs://."""
    return list(itertools.chain.from_iterable(_batches(folder)))


def read_table(folder: str, types: Mapping[str, str]) -> pa.Table:
    """These columns of every row of a split's folder; `types` are INT, FLOAT or BYTES by name."""
    return _table(_batches(folder), types)


def table(records: Records, types: Mapping[str, str]) -> pa.Table:
    return _table([records], types)


def encoded(column: pa.ChunkedArray, name: str) -> Records:
    """Records of one column alone, null for a missing value."""
    present = pc.is_valid(column).cast(pa.int64())
    ends = pc.cumulative_sum(present).to_pylist()
    values = _encodable(column.drop_null())
    lists = pa.LargeListArray.from_arrays(pa.array([0, *ends], pa.int64()), values)
    batch = pa.RecordBatch.from_arrays([lists], [name])
    records: Records = RecordBatchToExamplesEncoder().encode(batch)
    return records


def joined(columns: Iterable[Records]) -> Records:
    """The records that have all of these columns, each of which is in one of them alone.

    Messages that are written one after the other are merged
    (protobuf.dev/programming-guides/encoding, "Last One Wins"), and TensorFlow's parser keeps to it
    (tensorflow/core/util/example_proto_fast_parsing.cc, ParseExample). Of a column that comes twice
    it takes the last one, and warns for each row.
    """
    return [b"".join(parts) for parts in zip(*columns, strict=True)]


def _batches(folder: str) -> Iterator[Records]:
    files = tf.io.gfile.glob(f"{folder}/*")
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    for batch in records.batch(ROWS_AT_ONCE).as_numpy_iterator():
        yield batch.tolist()


def _table(batches: Iterable[Records], types: Mapping[str, str]) -> pa.Table:
    schema = schema_pb2.Schema()
    for name, type_name in types.items():
        schema.feature.add(name=name, type=schema_pb2.FeatureType.Value(type_name))
    decoder = ExamplesToRecordBatchDecoder(schema.SerializeToString())
    decoded = [decoder.DecodeBatch(records) for records in batches]
    columns = {}
    for name, type_name in types.items():
        arrays = [_values(batch.column(name), type_name) for batch in decoded]
        columns[name] = pa.chunked_array(arrays, ARROW_TYPES[type_name]).combine_chunks()
    return pa.table(columns)


ARROW_TYPES = {"INT": pa.int64(), "FLOAT": pa.float32(), "BYTES": pa.string()}


def _values(lists: pa.Array, type_name: str) -> pa.Array:
    """The one value of each list, null for an empty one and for no list."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    offsets = lists.offsets.slice(0, len(lists))
    places = pc.if_else(pc.greater(lengths, 0), offsets, pa.scalar(None, offsets.type))
    values = lists.values.take(places)
    return values if type_name != "BYTES" else _texts(values)


def _texts(values: pa.Array) -> pa.Array:
    """The bytes as text, as a server reads them."""
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:  # not all of them are UTF-8
        texts = [_text(value) for value in values.to_pylist()]
        return pa.array(texts, pa.string())


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _encodable(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    return array.cast(pa.large_binary()) if pa.types.is_string(array.type) else array
