"""The Evaluator blesses no candidate that loses to the last blessed model on newer rows."""

import json
from pathlib import Path

import pytest
import tensorflow as tf
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts

from pipeline.components.evaluator import Evaluator, Executor
from pipeline.components.newer_rows import Question
from pipeline.job.evaluation import eval_config
from pipeline.model.declaration import Gate
from tests.pipeline.tiny_model import LAST, export, note_last_time, rows_after, write

GATE = Gate(metric="auc", lower_bound=0.51, least_change=0.0)
QUESTION = Question(
    metric="auc",
    label="late",
    signature="serving_default",
    time_column="when",
    time_type="INT",
)


def good_on_newer_rows(row):
    return tf.where(row["when"] > LAST, row["x"], 0.5)


def good_on_older_rows(row):
    """Of which there are more."""
    return tf.where(row["when"] > LAST, 0.5, row["x"])


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A candidate that wins on all held-out rows, and loses on those after the old model's."""
    place = tmp_path_factory.mktemp("judged")
    old = export(place / "old", good_on_newer_rows)
    note_last_time(old)
    older = rows_after(LAST - 1000, 600, positives=200)
    newer = rows_after(LAST, 300, positives=100)
    write(place / "examples/Split-eval", [*older, *newer])
    return {
        "examples": [examples(place / "examples")],
        "model": [artifact(standard_artifacts.Model, export(place / "new", good_on_older_rows))],
        "baseline_model": [artifact(standard_artifacts.Model, old)],
        "infra_blessing": [infra_blessing(place / "infra")],
    }


def artifact(type_, folder):
    value = type_()
    value.uri = str(folder)
    return value


def examples(folder):
    value = artifact(standard_artifacts.Examples, folder)
    value.split_names = artifact_utils.encode_split_names(["eval"])
    examples_utils.set_payload_format(value, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(value, "tfrecords_gzip")
    return value


def infra_blessing(folder):
    folder.mkdir()
    (folder / "INFRA_BLESSED").touch()
    value = artifact(standard_artifacts.InfraBlessing, folder)
    value.set_int_custom_property("blessed", 1)
    return value


@pytest.fixture
def judge(inputs, tmp_path):
    """Judge the candidate; return the blessing."""

    def call(question):
        names = ("examples", "model", "baseline_model", "infra_blessing")
        channels = {name: types.Channel(type=type(inputs[name][0])) for name in names}
        component = Evaluator(
            **channels,
            eval_config=eval_config(GATE, label="late", signature="serving_default"),
            pipeline="tiny",
            question=question,
        )
        outputs = {
            "evaluation": [artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")],
            "blessing": [artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")],
        }
        context = BaseBeamExecutor.Context(tmp_dir=str(tmp_path), unique_id="1")
        Executor(context).Do(inputs, outputs, component.exec_properties)
        [blessing] = outputs["blessing"]
        return blessing

    return call


def is_blessed(blessing):
    files = [file.name for file in Path(blessing.uri).iterdir()]
    assert files in (["BLESSED"], ["NOT_BLESSED"])
    assert blessing.get_int_custom_property("blessed") == (files == ["BLESSED"])
    return files == ["BLESSED"]


def test_a_candidate_that_wins_on_all_rows_is_blessed_where_no_time_is_known(judge):
    blessing = judge(None)

    assert is_blessed(blessing)
    assert not blessing.has_custom_property("newer_rows")


def test_the_same_candidate_is_refused_since_it_loses_on_newer_rows(judge):
    blessing = judge(QUESTION)

    comparison = json.loads(blessing.get_string_custom_property("newer_rows"))
    assert not is_blessed(blessing)
    assert comparison["rows"] == 300
    assert comparison["candidate"] == 0.5
    assert comparison["high"] < 0
