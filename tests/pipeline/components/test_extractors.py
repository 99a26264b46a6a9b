"""Rows are handed to TFMA in groups: no number may differ from those it makes of single rows."""

import math

import apache_beam as beam
import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.utils import config_util

from pipeline.components import extractors
from pipeline.errors import RunError
from pipeline.job.evaluation import eval_config
from pipeline.model.declaration import Gate, Slice

ROWS, CITIES = 400, [b"Ghent", b"Lille", b"Porto"]
GATE = Gate(
    metric="auc",
    lower_bound=0.6,
    least_change=-0.01,
    slices=[Slice(feature="city", value="Ghent", lower_bound=0.51)],
)


def two_models(seed, with_city=0.9):
    """A batch of a candidate's and a baseline's answers, nested by model as TFMA does.

    A part of its rows has no city.
    """
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, (ROWS, 1))
    means = 0.4 + 0.1 * labels
    scores = {}
    for name in ("candidate", "baseline"):
        answers = random.normal(means, 0.2)
        scores[name] = np.clip(answers, 0, 1).astype(np.float32)
    has_city = random.random(ROWS) < with_city
    cities = [random.choice(CITIES, int(present)) for present in has_city]
    city = tfma.types.VarLenTensorValue.from_dense_rows(cities)
    unread = random.random((ROWS, 1))
    features = {"city": city, "unread": unread}
    return {
        tfma.FEATURES_KEY: features,
        tfma.LABELS_KEY: dict.fromkeys(scores, labels),
        tfma.PREDICTIONS_KEY: scores,
    }


def config():
    gate_config = eval_config(GATE, label="big_tip")
    return config_util.update_eval_config_with_defaults(gate_config, has_baseline=True)


@pytest.fixture(scope="module", params=["candidate", "baseline"])
def judged(request, tmp_path_factory):
    """TFMA's results for a model, by its own taking apart of batches and by ours."""

    def result(take_apart):
        place = str(tmp_path_factory.mktemp("judged"))
        own_config = config()
        slice_keys = tfma.extractors.SliceKeyExtractor(eval_config=own_config)
        evaluator = tfma.evaluators.MetricsPlotsAndValidationsEvaluator(eval_config=own_config)
        evaluate = tfma.ExtractAndEvaluate([take_apart, slice_keys], [evaluator])
        writers = tfma.default_writers(place, eval_config=own_config)
        batches = [two_models(1), two_models(2), two_models(3, with_city=0)]
        with beam.Pipeline() as pipeline:
            evaluation = pipeline | beam.Create(batches) | evaluate
            evaluation | tfma.WriteResults(writers)
        return tfma.load_eval_result(place, model_name=request.param)

    by_slice = beam.FlatMap(extractors.by_slice, sliced={"city"})
    single = result(tfma.extractors.UnbatchExtractor())
    grouped = result(tfma.extractors.Extractor("Ours", by_slice))
    return single, grouped


def numbers(results):
    """Every number of a result, by its path."""
    if isinstance(results, list | tuple):
        results = dict(enumerate(results))
    if not isinstance(results, dict):
        # JSON has no number for an infinity, and protobuf none for its 64 bits.
        return {(): float(results)}
    by_path = {}
    for key, inner in results.items():
        for path, number in numbers(inner).items():
            by_path[(key, *path)] = number
    return by_path


def assert_same_numbers(results, expected_results):
    expected_numbers = numbers(expected_results)
    approximation = pytest.approx(expected_numbers, rel=1e-12, nan_ok=True)
    assert numbers(results) == approximation


def test_no_metric_of_any_slice_differs_from_single_rows(judged):
    single, grouped = (dict(result.slicing_metrics) for result in judged)

    assert set(single) == {(), (("city", "Ghent"),)}
    assert_same_numbers(grouped, single)


def test_no_point_of_any_plot_differs_from_single_rows(judged):
    single, grouped = (dict(result.plots) for result in judged)

    assert len(numbers(single)) > 1000
    assert_same_numbers(grouped, single)


def one_model(scores, labels=((0,), (1,), (1,)), **features):
    columns = {name: np.array(values) for name, values in features.items()}
    label_array = labels and np.array(labels)
    score_array = np.array(scores)
    return {
        tfma.FEATURES_KEY: columns,
        tfma.LABELS_KEY: label_array,
        tfma.PREDICTIONS_KEY: score_array,
    }


def test_rows_of_the_same_slices_are_one_element():
    batch = one_model(
        [0.1, 0.2, 0.3], city=[[b"Ghent"], [b"Lille"], [b"Ghent"]], unread=[[1], [2], [3]]
    )

    ghent, lille = extractors.by_slice(batch, sliced={"city"})

    assert plain(ghent) == {"scores": [0.1, 0.3], "labels": [0, 1], "columns": ["city"]}
    assert plain(lille) == {"scores": [0.2], "labels": [1], "columns": ["city"]}


def plain(element):
    scores = element[tfma.PREDICTIONS_KEY]
    labels = element[tfma.LABELS_KEY]
    columns = element[tfma.FEATURES_KEY]
    return {"scores": scores.tolist(), "labels": labels.tolist(), "columns": list(columns)}


NO_ANSWER = "the model's answer is not one number for each held-out row"
NO_LABEL = "the label is not one number for each held-out row"
REFUSED = {
    "nan": (
        {"scores": [0.1, math.nan, 0.2]},
        "the model's answer is nan for held-out rows, allowed are finite numbers",
    ),
    "two answers": ({"scores": [[0.1, 0.9], [0.1, 0.9], [0.1, 0.9]]}, NO_ANSWER),
    "no label": ({"scores": [0.1, 0.1, 0.1], "labels": None}, NO_LABEL),
    "words": ({"scores": [0.1, 0.1, 0.1], "labels": [["yes"], ["no"], ["no"]]}, NO_LABEL),
}


@pytest.mark.parametrize(("answers", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_one_number_a_row_is_refused(answers, sentence):
    batch = one_model(**answers)

    with pytest.raises(RunError, match=sentence):
        extractors.by_slice(batch, sliced=set())
