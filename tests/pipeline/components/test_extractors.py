"""Rows are handed to TFMA in groups: no number may differ from those it makes of single rows."""

import apache_beam as beam
import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.utils import config_util

from pipeline.components import extractors
from pipeline.errors import RunError
from pipeline.job.evaluation import eval_config
from pipeline.model import slices
from pipeline.model.declaration import Gate, Slice

ROWS = 400
CITIES = [b"Ghent", b"Lille", b"Porto"]
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
    scores = {name: scores_around(means, random) for name in ("candidate", "baseline")}
    is_present = random.random(ROWS) < with_city
    cities = [random.choice(CITIES, int(present)) for present in is_present]
    features = {
        "city": tfma.types.VarLenTensorValue.from_dense_rows(cities),
        "unread": random.random((ROWS, 1)),
    }
    return {
        tfma.FEATURES_KEY: features,
        tfma.LABELS_KEY: dict.fromkeys(scores, labels),
        tfma.PREDICTIONS_KEY: scores,
    }


def scores_around(means, random):
    scores = random.normal(means, 0.2)
    return np.clip(scores, 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def batches():
    return [two_models(1), two_models(2), two_models(3, with_city=0)]


def stock_gate():
    """The gate with its slice's value unmarked, as TFMA's own extractors have it."""
    config = eval_config(GATE, label="big_tip", signature="serving_default")
    specs = list(config.slicing_specs)
    for metrics in config.metrics_specs:
        for metric in metrics.metrics:
            specs += [part.slicing_specs[0] for part in metric.per_slice_thresholds]
    for spec in specs:
        for name, value in spec.feature_values.items():
            spec.feature_values[name] = slices.unmarked(value)
    return config


def write_results(batches, gate, take_apart, place):
    """Let TFMA judge both models, and write to `place`."""
    config = config_util.update_eval_config_with_defaults(gate, has_baseline=True)
    by_slice = tfma.extractors.SliceKeyExtractor(eval_config=config)
    evaluator = tfma.evaluators.MetricsPlotsAndValidationsEvaluator(eval_config=config)
    writers = tfma.default_writers(place, eval_config=config)
    with beam.Pipeline() as pipeline:
        created = pipeline | beam.Create(batches)
        evaluation = created | tfma.ExtractAndEvaluate([take_apart, by_slice], [evaluator])
        evaluation | tfma.WriteResults(writers)


@pytest.fixture(scope="module", params=["candidate", "baseline"])
def judged(request, batches, tmp_path_factory):
    """TFMA's results for a model, by its own taking apart of batches and by ours."""

    def result(gate, take_apart):
        place = str(tmp_path_factory.mktemp("judged"))
        write_results(batches, gate, take_apart, place)
        return tfma.load_eval_result(place, model_name=request.param)

    grouping = beam.FlatMap(extractors.by_slice, sliced={"city"})
    single = result(stock_gate(), tfma.extractors.UnbatchExtractor())
    gate = eval_config(GATE, label="big_tip", signature="serving_default")
    grouped = result(gate, tfma.extractors.Extractor("Ours", grouping))
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
            by_path[key, *path] = number
    return by_path


def by_slice_name(results):
    """A result's values, by the slice's name; the whole split has none."""
    values = {}
    for key, outputs in results:
        name = ", ".join(f"{column}={slices.unmarked(value)}" for column, value in key)
        values[name] = outputs
    return values


def test_no_metric_of_any_slice_differs_from_single_rows(judged):
    single, grouped = (by_slice_name(result.slicing_metrics) for result in judged)

    single_numbers = numbers(single)
    grouped_numbers = numbers(grouped)
    assert set(single) == {"", "city=Ghent"}
    assert grouped_numbers == pytest.approx(single_numbers, rel=1e-12, nan_ok=True)


def test_no_point_of_any_plot_differs_from_single_rows(judged):
    single, grouped = (by_slice_name(result.plots) for result in judged)

    single_numbers = numbers(single)
    grouped_numbers = numbers(grouped)
    assert len(single_numbers) > 1000
    assert grouped_numbers == pytest.approx(single_numbers, rel=1e-12, nan_ok=True)


def one_model(scores, labels=((0,), (1,), (1,)), **features):
    columns = {name: np.array(values) for name, values in features.items()}
    return {
        tfma.FEATURES_KEY: columns,
        tfma.LABELS_KEY: labels and np.array(labels),
        tfma.PREDICTIONS_KEY: np.array(scores),
    }


def test_rows_of_the_same_slices_are_one_element():
    batch = one_model(
        [0.1, 0.2, 0.3], city=[[b"Ghent"], [b"Lille"], [b"Ghent"]], unread=[[1], [2], [3]]
    )

    elements = extractors.by_slice(batch, sliced={"city"})

    ghent, lille = [plain(element) for element in elements]
    assert ghent == {"scores": [0.1, 0.3], "labels": [0, 1], "features": ["city"]}
    assert lille == {"scores": [0.2], "labels": [1], "features": ["city"]}


def plain(element):
    """An element's scores, labels and names of features."""
    return {
        "scores": element[tfma.PREDICTIONS_KEY].tolist(),
        "labels": element[tfma.LABELS_KEY].tolist(),
        "features": list(element[tfma.FEATURES_KEY]),
    }


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            {"scores": [0.1, np.nan, 0.2]},
            "the model's answer is nan for held-out rows, allowed are finite numbers",
        ),
        (
            {"scores": [[0.1, 0.9], [0.1, 0.9], [0.1, 0.9]]},
            "the model's answer is not one number for each held-out row",
        ),
        (
            {"scores": [0.1, 0.1, 0.1], "labels": None},
            "the label is not one number for each held-out row",
        ),
        (
            {"scores": [0.1, 0.1, 0.1], "labels": [["yes"], ["no"], ["no"]]},
            "the label is not one number for each held-out row",
        ),
    ],
    ids=["nan", "two answers", "no label", "words"],
)
def test_what_is_not_one_number_a_row_is_refused(rows, sentence):
    batch = one_model(**rows)

    with pytest.raises(RunError, match=sentence):
        extractors.by_slice(batch, sliced=set())
