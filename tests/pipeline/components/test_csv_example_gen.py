"""Ingestion agrees with TFX's own CsvExampleGen, and is faster."""

import zipfile

import pytest
import tensorflow as tf
from tfx.components.example_gen import utils
from tfx.components.example_gen.csv_example_gen.executor import Executor as StockExecutor
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from pipeline.components.csv_example_gen import CsvExampleGen, Executor, encode, read_csv
from pipeline.errors import DataError
from pipeline.model.folder import ModelFolder
from pipeline.model.schema import columns, read
from pipeline.spec import CsvSource
from tests.pipeline.conftest import copy_small
from tests.team import MODELS


def examples(pattern):
    files = tf.io.gfile.glob(pattern)
    assert files
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    canonical_records = [canonical(record) for record in records.as_numpy_iterator()]
    return sorted(canonical_records)


def canonical(record):
    example = tf.train.Example.FromString(record)
    return example.SerializeToString(deterministic=True)


def mixed_rows(place):
    """A thousand of the cab's rows, among them the one with a value in its emptiest column."""
    file = MODELS / "cab/rows.csv"
    text = file.read_text()
    header, *rows = text.splitlines(keepends=True)
    names = header.strip().split(",")
    column = names.index("pickup_census_tract")
    filled_rows = [row for row in rows if row.split(",")[column]]
    lines = [header, *rows[:1000], *filled_rows]
    place.write_text("".join(lines))


def artifact(folder):
    output = standard_artifacts.Examples()
    output.uri = str(folder)
    return output


def stock_properties(folder):
    """What TFX's own component hands to its executor."""
    input_config = utils.make_default_input_config()
    output_config = utils.make_default_output_config(input_config)
    return {
        "input_base": str(folder),
        "input_config": proto_utils.proto_to_json(input_config),
        "output_config": proto_utils.proto_to_json(output_config),
        "output_data_format": 6,
        "output_file_format": 5,
    }


def own_properties(file):
    source = CsvSource(str(file), "", ("",))
    schema = read(ModelFolder.load("cab"))
    component = CsvExampleGen(source, columns=columns(schema), required=[])
    return component.exec_properties


def test_rows_and_splits_are_those_of_tfx(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    rows = folder / "rows.csv"
    mixed_rows(rows)
    own = artifact(tmp_path / "ours")
    stock = artifact(tmp_path / "stock")
    context = base_beam_executor.BaseBeamExecutor.Context(tmp_dir=str(tmp_path))
    stock_executor = StockExecutor(context)
    executor = Executor()

    stock_executor.Do({}, {"examples": [stock]}, stock_properties(folder))
    executor.Do({}, {"examples": [own]}, own_properties(rows))

    for split in ("train", "eval"):
        own_examples = examples(f"{own.uri}/Split-{split}/*")
        stock_examples = examples(f"{stock.uri}/Split-{split}/*")
        assert own_examples == stock_examples


def test_equal_rows_fall_into_the_same_split(trained):
    folders = (trained.runs / "store/cab/CsvExampleGen/examples").iterdir()
    folder = min(folders, key=lambda path: int(path.name))

    train = set(examples(f"{folder}/Split-train/*"))
    held_out = set(examples(f"{folder}/Split-eval/*"))

    assert train.isdisjoint(held_out)


def test_a_zipped_csv_with_na_reads_like_a_plain_one(tmp_path):
    plain_file = tmp_path / "a.csv"
    zip_file = tmp_path / "a.csv.zip"
    plain_file.write_text("n,word\n1,x\n,\n")
    with zipfile.ZipFile(zip_file, "w") as archive:
        archive.writestr("a.csv", "n,word\n1,x\nNA,NA\n")
    kinds = {"n": "INT", "word": "BYTES"}

    plain = read_csv(plain_file, kinds, [""])
    zipped = read_csv(zip_file, kinds, ["", "NA"])

    assert plain == zipped
    assert plain["word"].null_count == 1


def test_a_file_that_is_no_zip_is_named(tmp_path):
    file = tmp_path / "a.csv.zip"
    file.write_text("n\n1\n")

    with pytest.raises(DataError, match=r"a\.csv\.zip: not a zip archive of one CSV"):
        read_csv(file, {"n": "INT"}, [""])


def test_encoding_is_the_same_whenever_it_is_done(tmp_path):
    path = copy_small("cab", tmp_path)
    folder = ModelFolder.load(str(path))
    schema = read(folder)
    table = read_csv(folder.source, columns(schema), [""])

    first_records = list(encode(table))
    second_records = list(encode(table))

    assert first_records == second_records
