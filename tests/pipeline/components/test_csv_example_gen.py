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
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator()
    return sorted(
        tf.train.Example.FromString(r).SerializeToString(deterministic=True) for r in records
    )


def mixed_rows(place):
    """A thousand of the cab's rows, among them the one with a value in its emptiest column."""
    header, *rows = (MODELS / "cab/rows.csv").read_text().splitlines(keepends=True)
    column = header.strip().split(",").index("pickup_census_tract")
    place.write_text(
        "".join([header, *rows[:1000], *(row for row in rows if row.split(",")[column])])
    )


def test_rows_and_splits_are_those_of_tfx(tmp_path):
    (tmp_path / "in").mkdir()
    mixed_rows(tmp_path / "in/rows.csv")
    own, stock = standard_artifacts.Examples(), standard_artifacts.Examples()
    own.uri, stock.uri = str(tmp_path / "ours"), str(tmp_path / "stock")
    default = utils.make_default_input_config()
    properties = {
        "input_base": str(tmp_path / "in"),
        "input_config": proto_utils.proto_to_json(default),
        "output_config": proto_utils.proto_to_json(utils.make_default_output_config(default)),
        "output_data_format": 6,
        "output_file_format": 5,
    }
    component = CsvExampleGen(
        CsvSource(str(tmp_path / "in/rows.csv"), "", ("",)),
        columns=columns(read(ModelFolder.load("cab"))),
        required=[],
    )

    StockExecutor(base_beam_executor.BaseBeamExecutor.Context(tmp_dir=str(tmp_path))).Do(
        {}, {"examples": [stock]}, properties
    )
    Executor().Do({}, {"examples": [own]}, component.exec_properties)

    for split in ("train", "eval"):
        assert examples(f"{own.uri}/Split-{split}/*") == examples(f"{stock.uri}/Split-{split}/*")


def test_equal_rows_fall_into_the_same_split(trained):
    [folder] = sorted(
        (trained.runs / "store/cab/CsvExampleGen/examples").iterdir(), key=lambda p: int(p.name)
    )[:1]

    assert not set(examples(f"{folder}/Split-train/*")) & set(examples(f"{folder}/Split-eval/*"))


def test_a_zipped_csv_with_na_reads_like_a_plain_one(tmp_path):
    plain, zipped = tmp_path / "a.csv", tmp_path / "a.csv.zip"
    plain.write_text("n,word\n1,x\n,\n")
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a.csv", "n,word\n1,x\nNA,NA\n")
    kinds = {"n": "INT", "word": "BYTES"}

    assert read_csv(plain, kinds, [""]) == read_csv(zipped, kinds, ["", "NA"])
    assert read_csv(plain, kinds, [""])["word"].null_count == 1


def test_a_file_that_is_no_zip_is_named(tmp_path):
    (tmp_path / "a.csv.zip").write_text("n\n1\n")

    with pytest.raises(DataError, match=r"a\.csv\.zip: not a zip archive of one CSV"):
        read_csv(tmp_path / "a.csv.zip", {"n": "INT"}, [""])


def test_encoding_is_the_same_whenever_it_is_done(tmp_path):
    folder = ModelFolder.load(str(copy_small("cab", tmp_path)))
    table = read_csv(folder.source, columns(read(folder)), [""])

    assert list(encode(table)) == list(encode(table))
