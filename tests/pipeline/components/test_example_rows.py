"""Rows of Examples as a table, and records with other values of one column."""

import pyarrow as pa
import pytest
import tensorflow as tf

from pipeline.components import example_rows

TYPES = {"fare": "FLOAT", "hour": "INT", "company": "BYTES"}
ROWS = [
    {"fare": [3.5], "hour": [7], "company": [b"Blue Cab"]},
    {"fare": [], "hour": [0], "company": []},
    {"company": [b""], "tips": [1.0]},
]
SPEC = {
    "fare": tf.io.VarLenFeature(tf.float32),
    "hour": tf.io.VarLenFeature(tf.int64),
    "company": tf.io.VarLenFeature(tf.string),
}


def record(row):
    example = tf.train.Example()
    for name, values in row.items():
        feature = example.features.feature[name]
        if name == "hour":
            feature.int64_list.value.extend(values)
        elif name == "company":
            feature.bytes_list.value.extend(values)
        else:
            feature.float_list.value.extend(values)
    return example.SerializeToString()


RECORDS = [record(row) for row in ROWS]


def parsed(records, name):
    """Each record's value as a model's parser has it, None for a missing one."""
    columns = tf.io.parse_example(records, SPEC)
    values = [None] * len(records)
    column = columns[name]
    for (row, _), value in zip(column.indices.numpy(), column.values.numpy(), strict=True):
        values[row] = value
    return values


def test_a_missing_cell_is_null_whether_its_list_is_empty_or_absent():
    table = example_rows.table(RECORDS, TYPES)

    assert table["fare"].to_pylist() == [3.5, None, None]
    assert table["hour"].to_pylist() == [7, 0, None]
    assert table["company"].to_pylist() == ["Blue Cab", None, ""]


def test_columns_that_nobody_asks_for_are_not_read():
    table = example_rows.table(RECORDS, {"fare": "FLOAT"})

    assert table.column_names == ["fare"]


def test_a_column_that_no_row_has_is_all_null():
    table = example_rows.table(RECORDS, {"tract": "INT"})

    assert table["tract"].null_count == 3
    assert table["tract"].type == pa.int64()


def test_bytes_that_are_no_text_are_read_as_a_server_reads_them():
    broken = record({"company": [b"caf\xe9"]})

    table = example_rows.table([*RECORDS, broken], TYPES)

    assert table["company"].to_pylist() == ["Blue Cab", None, "", "caf\ufffd"]


def test_the_files_of_a_split_are_one_table_and_all_its_records(tmp_path):
    for number, part in enumerate((RECORDS[:2], RECORDS[2:])):
        file = str(tmp_path / f"data_tfrecord-{number}.gz")
        with tf.io.TFRecordWriter(file, "GZIP") as writer:
            for each in part:
                writer.write(each)

    table = example_rows.read_table(str(tmp_path), TYPES)
    records = example_rows.read(str(tmp_path))

    assert table["hour"].to_pylist() == [7, 0, None]
    assert records == RECORDS


COLUMNS = {
    "fare": pa.array([None, 1.25, 2.5], pa.float32()),
    "hour": pa.array([23, None, 5], pa.int64()),
    "company": pa.array(["", "é", None], pa.string()),
}


@pytest.fixture
def records():
    """Records of the columns, each encoded by itself."""
    columns = []
    for name, values in COLUMNS.items():
        column = pa.chunked_array([values])
        columns.append(example_rows.encoded(column, name))
    return example_rows.joined(columns)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_model_reads_columns_that_were_encoded_apart(name, records):
    values = parsed(records, name)

    expected = COLUMNS[name].to_pylist()
    assert values == [text.encode() if isinstance(text, str) else text for text in expected]


def test_a_model_reads_them_without_a_warning(records, capfd):
    parsed(records, "fare")

    assert "multiple concatenated tf.Examples" not in capfd.readouterr().err


def test_protobuf_itself_reads_them(records):
    hours = []
    for record in records:
        example = tf.train.Example.FromString(record)
        hours.append(list(example.features.feature["hour"].int64_list.value))

    assert hours == [[23], [], [5]]


def test_a_column_of_nulls_is_missing_in_each_record():
    column = pa.chunked_array([pa.nulls(2, pa.string())])

    records = example_rows.encoded(column, "company")

    assert parsed(records, "company") == [None, None]
