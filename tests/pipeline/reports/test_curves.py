"""The curves of a training are read whole from its TensorBoard events."""

import json
import math

import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from pipeline.reports import curves
from pipeline.reports.run_metadata import Node, RunMetadata

EPOCHS = 25  # more than TensorBoard keeps by default


@pytest.fixture
def write(tmp_path):
    """Write values of a tag as Keras's callback does, into the folder of a series."""

    def call(series, tag, values, begin=0):
        with tf.summary.create_file_writer(str(tmp_path / series)).as_default():
            for step, value in enumerate(values, start=begin):
                tf.summary.scalar(tag, value, step=step)

    return call


@pytest.fixture
def metadata(tmp_path):
    """A run whose Trainer left this folder."""
    artifact = standard_artifacts.ModelRun()
    artifact.uri = str(tmp_path)
    return RunMetadata("run", [Node("Trainer", [], outputs={"model_run": [artifact]})])


def test_every_epoch_is_kept_in_its_order(write, metadata):
    values = [1 / (epoch + 1) for epoch in range(EPOCHS)]
    write("train", "epoch_loss", values)

    points = curves.compose(metadata)["loss"]["train"]

    assert [x for x, _ in points] == list(range(1, EPOCHS + 1))
    assert [y for _, y in points] == pytest.approx(values)


def test_a_loss_that_is_no_number_is_null(write, metadata):
    write("train", "epoch_loss", [0.5, math.nan, math.inf])

    text = curves.encode(curves.compose(metadata))

    assert json.loads(text) == {"loss": {"train": [[1, 0.5], [2, None], [3, None]]}}


def test_a_training_that_goes_on_in_a_second_file_is_one_curve(write, metadata):
    write("train", "epoch_loss", [0.5, 0.25])
    write("train", "epoch_loss", [0.125], begin=2)

    points = curves.compose(metadata)["loss"]["train"]

    assert points == [(1, 0.5), (2, 0.25), (3, 0.125)]


def test_what_is_no_metric_of_an_epoch_is_left_out(write, metadata, tmp_path):
    write("validation", "epoch_auc", [0.75])
    write("validation", "epoch_learning_rate", [0.1])
    write("validation", "batch_loss", [0.5])
    with tf.summary.create_file_writer(str(tmp_path / "validation")).as_default():
        tf.summary.text("epoch_note", "words", step=0)

    assert curves.compose(metadata) == {"auc": {"validation": [(1, 0.75)]}}


def test_a_run_that_trained_nothing_has_no_curves():
    assert curves.compose(RunMetadata("run", [Node("Trainer", [])])) == {}


def test_a_roc_keeps_points_where_they_change_and_leaves_out_rates_of_no_row():
    matrices = [
        {"falsePositiveRate": 1.0, "recall": 1.0},
        {"falsePositiveRate": 1.0, "recall": 1.0},
        {"falsePositiveRate": "NaN", "recall": 0.5},
        {"recall": 0.5},
    ]

    assert curves.roc(matrices) == [(1.0, 1.0), (0.0, 0.5)]
