"""Transformed examples whose bytes depend on their content alone.

Protobuf writes a map in any order unless it is asked for one
(protobuf.dev/programming-guides/serialization-not-canonical), and the encoder in C++ does not ask.
"""

from typing import Any

import pyarrow as pa
import tensorflow as tf
from tfx.components.transform import executor
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder


class Encoder(RecordBatchToExamplesEncoder):
    """Encodes each row with its features in the order of their names."""

    def encode(self, record_batch: pa.RecordBatch) -> list[bytes]:
        return [canonical(record) for record in super().encode(record_batch)]


class RecordBatchToExamplesFn(executor.TransformProcessor._RecordBatchToExamplesFn):
    """Transform's own, with our encoder; Beam's workers find it by its name."""

    def __init__(self, schema: Any) -> None:
        super().__init__(schema)
        self._coder = Encoder(schema)


def canonical(record: bytes) -> bytes:
    """The same tf.Example, its features in the order of their names."""
    example = tf.train.Example.FromString(record)
    content: bytes = example.SerializeToString(deterministic=True)
    return content
