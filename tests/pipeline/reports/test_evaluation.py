"""The metrics of TFMA's result, slice by slice, as a summary has them."""

import math
from types import SimpleNamespace

import pytest
from tensorflow_model_analysis.proto.metrics_for_slice_pb2 import MetricsForSlice
from tensorflow_model_analysis.view.util import convert_metrics_proto_to_dict

from pipeline.reports import evaluation


@pytest.fixture
def measured(monkeypatch):
    """The metrics of an evaluation that wrote these numbers."""

    def _measured(**values: float):
        written = MetricsForSlice()
        for name, value in values.items():
            key_and_value = written.metric_keys_and_values.add()
            key_and_value.key.name = name
            key_and_value.value.double_value.value = value
        matrix = written.metric_keys_and_values.add()
        matrix.key.name = "matrix"
        matrix.value.bytes_value = b"1"
        result = SimpleNamespace(slicing_metrics=[convert_metrics_proto_to_dict(written, None)])
        monkeypatch.setattr(evaluation, "evaluation_result", lambda _: result)
        return evaluation.candidate_metrics(None)

    return _measured


def test_each_metric_that_is_a_number_is_kept(measured):
    assert measured(auc=0.75, loss=0.0) == {"all": {"auc": 0.75, "loss": 0.0}}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_metric_that_became_no_number_is_kept_as_null(measured, value):
    assert measured(auc=0.75, loss=value) == {"all": {"auc": 0.75, "loss": None}}
