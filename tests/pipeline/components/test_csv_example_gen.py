"""Ingestion agrees with TFX's own CsvExampleGen, and is faster."""

import zipfile
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.components.example_gen import utils
from tfx.components.example_gen.csv_example_gen.executor import Executor as StockExecutor
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from pipeline.components.csv_example_gen import CsvExampleGen, Executor, encode
from pipeline.errors import DataError
from pipeline.model.csv_file.table import read_csv
from pipeline.model.folder import ModelFolder
from pipeline.model.schema import columns, read
from pipeline.spec import CsvSource
from tests.pipeline.conftest import copy_small
from tests.team import MODELS


def examples(pattern):
    files = tf.io.gfile.glob(pattern)
    assert files
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    parsed = map(tf.train.Example.FromString, records.as_numpy_iterator())
    return sorted(example.SerializeToString(deterministic=True) for example in parsed)


def mixed_rows(place):
    """A thousand of the cab's rows, among them the one with a value in its emptiest column."""
    text = (MODELS / "cab/rows.csv").read_text()
    header, *rows = text.splitlines(keepends=True)
    names = header.strip().split(",")
    column = names.index("pickup_census_tract")
    filled = [row for row in rows if row.split(",")[column]]
    lines = [header, *rows[:1000], *filled]
    place.write_text("".join(lines))


def test_rows_and_splits_are_those_of_tfx(tmp_path):
    place = tmp_path / "in"
    place.mkdir()
    rows = place / "rows.csv"
    mixed_rows(rows)
    stock_examples = artifact(tmp_path / "stock")
    own_examples = artifact(tmp_path / "ours")
    context = base_beam_executor.BaseBeamExecutor.Context(tmp_dir=str(tmp_path))
    stock_executor = StockExecutor(context)
    own_executor = Executor()

    stock_executor.Do({}, {"examples": [stock_examples]}, stock_properties(place))
    own_executor.Do({}, {"examples": [own_examples]}, own_properties(rows))

    for split in ("train", "eval"):
        stock_split = examples(f"{stock_examples.uri}/Split-{split}/*")
        own_split = examples(f"{own_examples.uri}/Split-{split}/*")
        assert own_split == stock_split


def artifact(place):
    artifact = standard_artifacts.Examples()
    artifact.uri = str(place)
    return artifact


def stock_properties(place):
    """The properties for TFX's own executor to read the files of a place."""
    input_config = utils.make_default_input_config()
    output_config = utils.make_default_output_config(input_config)
    return {
        "input_base": str(place),
        "input_config": proto_utils.proto_to_json(input_config),
        "output_config": proto_utils.proto_to_json(output_config),
        "output_data_format": 6,
        "output_file_format": 5,
    }


def own_properties(rows):
    """The properties for our executor to read a file of the cab's rows."""
    source = CsvSource(str(rows), "", ("",))
    schema = read(ModelFolder.load("cab"))
    component = CsvExampleGen(source, columns=columns(schema), required=[])
    return component.exec_properties


def test_equal_rows_fall_into_the_same_split(trained):
    artifacts = (trained.runs / "store/cab/CsvExampleGen/examples").iterdir()
    folders = filter(Path.is_dir, artifacts)
    oldest = min(folders, key=lambda folder: int(folder.name))

    trained_rows = examples(f"{oldest}/Split-train/*")
    held_out_rows = examples(f"{oldest}/Split-eval/*")
    assert set(trained_rows).isdisjoint(held_out_rows)


def test_a_zipped_csv_with_na_reads_like_a_plain_one(tmp_path):
    plain = tmp_path / "a.csv"
    zipped = tmp_path / "a.csv.zip"
    plain.write_text("n,word\n,\n1,x\n")
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a.csv", "n,word\nNA,NA\n1,x\n")
    kinds = {"n": "INT", "word": "BYTES"}

    plain_rows = read_csv(plain, kinds, [""])
    zipped_rows = read_csv(zipped, kinds, ["", "NA"])

    assert plain_rows == zipped_rows
    assert plain_rows["word"].null_count == 1


def test_a_file_that_is_no_zip_is_named(tmp_path):
    file = tmp_path / "a.csv.zip"
    file.write_text("n\n1\n")

    with pytest.raises(DataError, match=r"a\.csv\.zip: not a zip archive of one CSV"):
        read_csv(file, {"n": "INT"}, [""])


def test_encoding_is_the_same_whenever_it_is_done(tmp_path):
    small = copy_small("cab", tmp_path)
    folder = ModelFolder.load(str(small))
    schema = read(folder)
    table = read_csv(folder.source, columns(schema), [""])

    first_examples = list(encode(table))
    second_examples = list(encode(table))

    assert first_examples == second_examples
