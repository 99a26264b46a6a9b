"""Puts a split's records into an order that depends on them alone.

BigQuery gives rows in any order, and Beam shuffles them by random keys. Dataflow's splits stay as
they are: they may be larger than a machine's memory, FnApiRunner's were in it.
"""

import hashlib

import tensorflow as tf

FILE = "data_tfrecord-00000-of-00001.gz"


def is_dataflow(beam_args: list[str]) -> bool:
    return any("DataflowRunner" in argument for argument in beam_args)


def put_in_order(folder: str) -> None:
    """Write the folder's records into one file, ordered by their hashes: no column is sorted."""
    files = sorted(tf.io.gfile.glob(f"{folder}/*"))
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP")
    records = sorted(dataset.as_numpy_iterator(), key=_place)
    for file in files:
        tf.io.gfile.remove(file)
    with tf.io.TFRecordWriter(f"{folder}/{FILE}", "GZIP") as writer:
        for record in records:
            writer.write(record)


def _place(record: bytes) -> bytes:
    return hashlib.sha256(record).digest()
