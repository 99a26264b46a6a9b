"""A slice holds the rows whose value is the declared one, and no others: TFMA guesses no number."""

import apache_beam as beam
import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from hypothesis import example, given
from hypothesis import strategies as st
from tensorflow_model_analysis.slicer import slice_accessor, slicer_lib
from tensorflow_model_analysis.utils import config_util

from pipeline.components import extractors
from pipeline.job.evaluation import eval_config
from pipeline.model import slices
from pipeline.model.declaration import Gate, Slice

# Rows of codes that are texts, of tiers that are integers, and of weights that are float32.
CODES = [b"01", b"01", b"01", b"1", b"1.0", b"1.0", "é".encode(), b"\xff", b"1_0", b"=1"]
TIERS = [1, 1, 2, 2, 2, 2**53 + 1, 2**53 + 1, 2**53, -1, 10]
WEIGHTS = [0.1, 0.1, 0.1, 2.0, 2.0, 1e-7, 1e10, -0.0, 0.0, 2.5]
COUNTS = {
    ("code", "01"): 3,
    ("code", "1"): 1,
    ("code", "1.0"): 2,
    ("code", "é"): 1,
    ("code", "1_0"): 1,
    ("code", "=1"): 1,
    ("code", "10"): 0,
    ("tier", 1): 2,
    ("tier", 2): 3,
    ("tier", 2**53 + 1): 2,
    ("weight", 0.1): 3,
    ("weight", 2): 2,
    ("weight", 1e-7): 1,
    ("weight", 1e10): 1,
    ("weight", 0.0): 2,
}


@pytest.fixture(scope="module")
def row_counts(tmp_path_factory):
    """The rows that TFMA finds in each slice of the gate."""
    parts = [Slice(feature=name, value=value, lower_bound=0.6) for name, value in COUNTS]
    gate = Gate(metric="auc", lower_bound=0.6, least_change=-0.1, slices=parts)
    config = config_util.update_eval_config_with_defaults(
        eval_config(gate, label="label", signature="score"), rubber_stamp=True
    )
    place = str(tmp_path_factory.mktemp("judged"))
    group = beam.FlatMap(extractors.by_slice, sliced={"code", "tier", "weight"})
    stages = [
        tfma.extractors.Extractor("GroupBySlices", group),
        tfma.extractors.SliceKeyExtractor(eval_config=config),
    ]
    evaluator = tfma.evaluators.MetricsPlotsAndValidationsEvaluator(eval_config=config)
    with beam.Pipeline() as pipeline:
        batches = pipeline | beam.Create([batch()])
        evaluation = batches | tfma.ExtractAndEvaluate(stages, [evaluator])
        evaluation | tfma.WriteResults(tfma.default_writers(place, eval_config=config))
    return counts_in(tfma.load_eval_result(place))


def batch():
    column = np.array(CODES, dtype=object)
    labels = np.arange(len(CODES)) % 2
    features = {
        "code": column.reshape(-1, 1),
        "tier": np.array(TIERS, np.int64).reshape(-1, 1),
        "weight": np.array(WEIGHTS, np.float32).reshape(-1, 1),
    }
    return {
        tfma.FEATURES_KEY: features,
        tfma.LABELS_KEY: labels.reshape(-1, 1),
        tfma.PREDICTIONS_KEY: np.full((len(CODES), 1), 0.5, np.float32),
    }


def counts_in(result):
    counts = {}
    for key, outputs in result.slicing_metrics:
        if key:
            [(column, value)] = key
            count = outputs[""][""]["example_count"]["doubleValue"]
            counts[f"{column}={slices.unmarked(value)}"] = count
    return counts


@pytest.mark.parametrize(("part", "count"), COUNTS.items(), ids=str)
def test_a_slice_has_the_rows_of_its_very_value(row_counts, part, count):
    name = slices.name(*part)

    assert row_counts.get(name, 0) == count


def matches(declared, row):
    """Whether TFMA finds the row's value in the slice of the declared one."""
    spec = slicer_lib.SingleSliceSpec(features=[("f", slices.marked(declared))])
    [element] = extractors.by_slice(one_row(row), sliced={"f"})
    accessor = slice_accessor.SliceAccessor([element[tfma.FEATURES_KEY]])
    return bool(list(spec.generate_slices(accessor)))


def one_row(value):
    return {
        tfma.FEATURES_KEY: {"f": np.array([[value]], dtype=object)},
        tfma.LABELS_KEY: np.array([[1]]),
        tfma.PREDICTIONS_KEY: np.array([[0.5]]),
    }


number_like = st.from_regex(r"[-+ ]?[0-9_]{1,3}([.eE][0-9]{0,2})?", fullmatch=True)
texts = st.one_of(st.text(st.characters(codec="utf-8")), number_like, st.just("nan"))


@given(declared=texts, row=texts)
@example(declared="1", row="01")
@example(declared="01", row="01")
def test_a_text_matches_itself_alone(declared, row):
    assert matches(declared, declared.encode())
    assert matches(declared, row.encode()) is (declared == row)


@given(declared=st.integers(-(2**63) + 1, 2**63 - 1), row=st.integers(-5, 5))
def test_an_integer_matches_itself_alone(declared, row):
    assert matches(declared, declared)
    assert matches(declared, row) is (declared == row)


@given(declared=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_number_matches_what_float32_keeps_of_it(declared):
    row = float(np.float32(declared))

    assert matches(declared, row)
