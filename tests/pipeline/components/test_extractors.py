"""Rows are handed to TFMA in groups: no number may differ from those it makes of single rows."""

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
    scores = {
        name: np.clip(random.normal(0.4 + 0.1 * labels, 0.2), 0, 1).astype(np.float32)
        for name in ("candidate", "baseline")
    }
    cities = [random.choice(CITIES, int(present)) for present in random.random(ROWS) < with_city]
    features = {
        "city": tfma.types.VarLenTensorValue.from_dense_rows(cities),
        "unread": random.random((ROWS, 1)),
    }
    return {
        tfma.FEATURES_KEY: features,
        tfma.LABELS_KEY: dict.fromkeys(scores, labels),
        tfma.PREDICTIONS_KEY: scores,
    }


def config():
    return config_util.update_eval_config_with_defaults(
        eval_config(GATE, label="big_tip"), has_baseline=True
    )


@pytest.fixture(scope="module", params=["candidate", "baseline"])
def judged(request, tmp_path_factory):
    """TFMA's results for a model, by its own taking apart of batches and by ours."""

    def result(take_apart):
        place = str(tmp_path_factory.mktemp("judged"))
        chain = [take_apart, tfma.extractors.SliceKeyExtractor(eval_config=config())]
        with beam.Pipeline() as pipeline:
            batches = pipeline | beam.Create(
                [two_models(1), two_models(2), two_models(3, with_city=0)]
            )
            evaluator = tfma.evaluators.MetricsPlotsAndValidationsEvaluator(eval_config=config())
            evaluation = batches | tfma.ExtractAndEvaluate(chain, [evaluator])
            evaluation | tfma.WriteResults(tfma.default_writers(place, eval_config=config()))
        return tfma.load_eval_result(place, model_name=request.param)

    extractor = tfma.extractors.Extractor(
        "Ours", beam.FlatMap(extractors.by_slice, sliced={"city"})
    )
    return result(tfma.extractors.UnbatchExtractor()), result(extractor)


def numbers(results):
    """Every number of a result, by its path."""
    if isinstance(results, dict):
        return {
            (key, *place): number
            for key, inner in results.items()
            for place, number in numbers(inner).items()
        }
    if isinstance(results, list | tuple):
        return numbers(dict(enumerate(results)))
    return {
        (): float(results)
    }  # JSON has no number for an infinity, and protobuf none for its 64 bits


def test_no_metric_of_any_slice_differs_from_single_rows(judged):
    single, grouped = (dict(result.slicing_metrics) for result in judged)

    assert set(single) == {(), (("city", "Ghent"),)}
    assert numbers(grouped) == pytest.approx(numbers(single), rel=1e-12, nan_ok=True)


def test_no_point_of_any_plot_differs_from_single_rows(judged):
    single, grouped = (dict(result.plots) for result in judged)

    assert len(numbers(single)) > 1000
    assert numbers(grouped) == pytest.approx(numbers(single), rel=1e-12, nan_ok=True)


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

    assert [(e[tfma.PREDICTIONS_KEY].tolist(), e[tfma.LABELS_KEY].tolist()) for e in elements] == [
        ([0.1, 0.3], [0, 1]),
        ([0.2], [1]),
    ]
    assert [list(e[tfma.FEATURES_KEY]) for e in elements] == [["city"], ["city"]]


@pytest.mark.parametrize(
    ("batch", "sentence"),
    [
        (
            one_model([0.1, float("nan"), 0.2]),
            "the model's answer is nan for held-out rows, allowed are finite numbers",
        ),
        (one_model([[0.1, 0.9]] * 3), "the model's answer is not one number for each held-out row"),
        (one_model([0.1] * 3, labels=None), "the label is not one number for each held-out row"),
        (
            one_model([0.1] * 3, labels=[["yes"], ["no"], ["no"]]),
            "the label is not one number for each held-out row",
        ),
    ],
    ids=["nan", "two answers", "no label", "words"],
)
def test_what_is_not_one_number_a_row_is_refused(batch, sentence):
    with pytest.raises(RunError, match=sentence):
        extractors.by_slice(batch, sliced=set())
