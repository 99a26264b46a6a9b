"""The same rows and code make the same bytes, by another process in another folder.

The other process orders Python's sets otherwise and shares the processors with this one.
"""

import re
import subprocess
import sys

import pyarrow as pa
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import fingerprint_pb2
from tensorflow.python.framework import config
from tfx.components.transform import executor
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from pipeline.components import canonical_examples, determinism
from pipeline.job import tfx_patches
from tests.team import TEAM, variables

SAVED_MODEL = "Trainer/model/*/Format-Serving"
GRAPH_PARTS = (
    "graph_def_program_hash",
    "signature_def_hash",
    "saved_object_graph_hash",
    "checkpoint_hash",
)
STEPS = {
    "examples": "CsvExampleGen/examples/*/Split-*/*",
    "statistics": "StatisticsGen/statistics/*/Split-*/*",
    "schema": "ImportSchemaGen/schema/*/*",
    "anomalies": "ExampleValidator/anomalies/*/Split-*/*",
    "vocabularies": "Transform/transform_graph/*/transform_fn/assets/*",
    "means": "Transform/transform_graph/*/transform_fn/variables/*",
    "transformed examples": "Transform/transformed_examples/*/Split-*/*",
    "hyperparameters": "modules/*/best.json",
    "weights": f"{SAVED_MODEL}/variables/*",
    "assets": f"{SAVED_MODEL}/assets*/*",
    "metrics": "Evaluator/evaluation/*/metrics*",
    "plots": "Evaluator/evaluation/*/plots*",
}


@pytest.fixture(scope="session")
def trained_again(trained, tmp_path_factory):
    """The store of the same folder, trained in another process."""
    place = tmp_path_factory.mktemp("a longer path") / "deeper"
    command = [sys.executable, "-m", "pipeline", "run", trained.folder, "--runs", place]
    environment = variables()
    environment |= {"PYTHONHASHSEED": "4711", "ESTEIRA_ENVIRONMENT": "pipeline"}
    process = subprocess.run(command, cwd=TEAM, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return place / "store/cab"


def contents(store, pattern):
    """The bytes of the files of the store's first run, by split: other tests add runs to it."""
    first_contents = {}
    for file in oldest_first(store, pattern):
        split = file.parent.name if file.parent.name.startswith("Split-") else ""
        first_contents.setdefault((split, file.name), file.read_bytes())
    return first_contents


def oldest_first(store, pattern):
    return sorted(store.glob(pattern), key=lambda file: file.stat().st_mtime_ns)


def graph_parts(store):
    file, *_ = oldest_first(store, f"{SAVED_MODEL}/fingerprint.pb")
    content = file.read_bytes()
    fingerprint = fingerprint_pb2.FingerprintDef.FromString(content)
    return {name: getattr(fingerprint, name) for name in GRAPH_PARTS}


def row_of(names):
    """A row of these columns, all of them 1."""
    column = pa.array([[1]], pa.large_list(pa.int64()))
    columns = [column for _ in names]
    return pa.RecordBatch.from_arrays(columns, names)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_bit_equal_when_it_is_made_again(trained, trained_again, step):
    pattern = STEPS[step]
    first = contents(trained.runs / "store/cab", pattern)
    second = contents(trained_again, pattern)

    assert first
    assert first == second


def test_a_model_made_again_has_the_same_graph(trained, trained_again):
    first = graph_parts(trained.runs / "store/cab")
    second = graph_parts(trained_again)

    assert first == second


def test_the_summary_says_how_the_model_was_trained(trained):
    training = trained.summary["records"]["training"]

    assert training["run"] == trained.summary["run"]
    assert training["seed"] == determinism.SEED
    assert training["deterministic_operations"] is True
    assert set(training["threads"]) == {"intra_op", "inter_op"}


def test_a_rows_features_are_written_in_the_order_of_their_names():
    row = row_of(["fare", "tips", "company", "miles"])
    encoder = canonical_examples.Encoder()

    [record] = encoder.encode(row)

    names = re.findall(rb"company|fare|miles|tips", record)
    assert names == [b"company", b"fare", b"miles", b"tips"]


def test_tfxs_encoder_still_writes_them_in_any_order():
    row = row_of([f"column {number}" for number in range(40)])
    encoder = RecordBatchToExamplesEncoder()

    [record] = encoder.encode(row)

    assert record != canonical_examples.canonical(record)


def test_transform_encodes_by_ours():
    with tfx_patches.canonical_examples():
        do_fn = executor.TransformProcessor._RecordBatchToExamplesFn

    assert do_fn is canonical_examples.RecordBatchToExamplesFn


def test_after_a_training_operations_need_no_seeds_again():
    with determinism.applied(True):
        pass

    assert not config.is_op_determinism_enabled()


def test_a_model_without_a_seed_of_its_own_is_seeded():
    with determinism.applied(True):
        first = tf.random.uniform([3])
    with determinism.applied(True):
        second = tf.random.uniform([3])

    assert first.numpy().tolist() == second.numpy().tolist()
