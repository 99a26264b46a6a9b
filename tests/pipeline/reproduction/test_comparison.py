"""A comparison names the first thing that differs, and nothing that may."""

import copy
import re
import shutil

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf import saved_model_pb2

from pipeline.reproduction import records, saved_model, steps, verdict
from pipeline.reproduction.verdict import Step, Verdict
from tests.pipeline.tiny_model import example, write


@pytest.fixture
def rows(tmp_path):
    def make(name, examples):
        artifact = tmp_path / name
        write(artifact / "Split-train", examples)
        return artifact

    return make


@pytest.fixture
def examples():
    return [example(time, time % 2, time / 10) for time in range(5)]


def test_equal_rows_have_no_difference(rows, examples):
    assert records.difference(rows("old", examples), rows("new", examples)) is None


def test_the_order_of_a_record_s_columns_is_no_difference(rows, examples):
    record = tf.train.Example.FromString(examples[0])
    reordered = tf.train.Example()
    for name in sorted(record.features.feature, reverse=True):
        reordered.features.feature[name].CopyFrom(record.features.feature[name])

    new = [reordered.SerializeToString(), *examples[1:]]

    assert records.difference(rows("old", examples), rows("new", new)) is None


def test_a_changed_value_is_named_by_record_and_column(rows, examples):
    new = [*examples[:3], example(3, 1, 0.75), examples[4]]

    difference = records.difference(rows("old", examples), rows("new", new))

    assert difference == "record 3 of train: x was [0.30000001192092896], is [0.75]"


def test_the_order_of_the_rows_is_a_difference(rows, examples):
    difference = records.difference(rows("old", examples), rows("new", examples[::-1]))

    assert difference.startswith("record 0 of train: ")


@pytest.mark.parametrize(("count", "words"), [(4, "there is none any more"), (6, "there was none")])
def test_another_number_of_rows_is_a_difference(rows, examples, count, words):
    new = (examples + examples)[:count]

    difference = records.difference(rows("old", examples), rows("new", new))

    assert difference.endswith(words)


@pytest.fixture
def model(tmp_path):
    """Save a model of two variables and a vocabulary."""

    def make(name, weight=1.5, words="a\nb\n", factor=2.0):
        vocabulary = tmp_path / f"{name}.txt"
        vocabulary.write_text(words)
        module = tf.Module()
        module.weight = tf.Variable([weight, 0.25])
        module.vocabulary = tf.saved_model.Asset(str(vocabulary))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def serving_default(values):
            return {"score": values * module.weight[0] * factor}

        folder = tmp_path / name
        signatures = {"serving_default": serving_default}
        tf.saved_model.save(module, str(folder), signatures=signatures)
        shutil.move(folder / "assets" / vocabulary.name, folder / "assets/vocabulary")
        return folder

    return make


def rename(function):
    """Name a function's nodes as another numbering would, and list them the other way round."""
    names = {node.name: f"other_{node.name}" for node in function.node_def}
    for node in function.node_def:
        node.name = names[node.name]
        node.input[:] = [renamed(text, names) for text in node.input]
    for place in (function.ret, function.control_ret):
        for key, text in dict(place).items():
            place[key] = renamed(text, names)
    function.node_def.reverse()


def renamed(text, names):
    control = "^" if text.startswith("^") else ""
    name, *outputs = text.removeprefix("^").split(":")
    return control + ":".join([names.get(name, name), *outputs])


def test_a_copied_model_has_no_difference(model, tmp_path):
    old = model("old")

    new = shutil.copytree(old, tmp_path / "new")

    assert saved_model.difference(old, new) is None


def test_a_changed_bit_of_a_variable_is_named_with_its_distance(model):
    new_weight = float(np.nextafter(np.float32(1.5), np.float32(2)))

    difference = saved_model.difference(model("old"), model("new", weight=new_weight))

    assert difference.startswith("1 of ")
    assert "first weight/.ATTRIBUTES/VARIABLE_VALUE by at most 1.19e-07" in difference


def test_a_changed_asset_is_named(model):
    difference = saved_model.difference(model("old"), model("new", words="a\nc\n"))

    assert difference == "the file assets/vocabulary has another content"


def test_an_added_asset_is_named(model, tmp_path):
    old = model("old")
    new = shutil.copytree(old, tmp_path / "new")
    (new / "assets/more").write_text("x")

    assert saved_model.difference(old, new) == "the file assets/more is in one of them alone"


def test_a_changed_graph_is_told(model, tmp_path):
    old = model("old")
    new = shutil.copytree(old, tmp_path / "new")
    shutil.copyfile(model("other", factor=3.0) / "saved_model.pb", new / "saved_model.pb")

    difference = saved_model.difference(old, new)
    assert difference == "the operations of its graph, with the same variables and files"


def test_the_order_and_the_numbers_of_nodes_are_no_difference(model, tmp_path):
    old = model("old")
    new = shutil.copytree(old, tmp_path / "new")
    file = new / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for function in saved.meta_graphs[0].graph_def.library.function:
        rename(function)
    file.write_bytes(saved.SerializeToString())

    assert saved_model.difference(old, new) is None


def test_the_numbers_of_functions_and_tables_are_no_difference(model, tmp_path):
    old = model("old")
    new = shutil.copytree(old, tmp_path / "new")
    for folder, place, number in ((old, "a/b", 12), (new, "c", 345)):
        file = folder / "saved_model.pb"
        saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
        text = re.sub(r"(__inference_\w+?)_\d+", rf"\1_{number}", str(saved))
        file.write_bytes(text_format.Parse(text, saved_model_pb2.SavedModel()).SerializeToString())
        add_table(
            file, f"hash_table_tf.Tensor(b'/{place}/tftransform_tmp/word')_-2_load_{number}_7"
        )

    assert saved_model.difference(old, new) is None


def add_table(file, shared_name):
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    node = saved.meta_graphs[0].graph_def.node.add(name="hash_table", op="HashTableV2")
    node.attr["shared_name"].s = shared_name.encode()
    file.write_bytes(saved.SerializeToString())


@pytest.fixture
def summary():
    check = {"metric": "auc", "slice": "all", "holds": True}
    return {
        "metrics": {"auc": 0.75, "auc_diff": 0.1},
        "slices": {"x=1": {"auc": 0.5}},
        "gate": [check],
        "records": {"hyperparameters": {"units": 8}},
    }


@pytest.fixture
def step(summary):
    """The verdict on a step of two summaries, of which the second was changed."""

    def judge(name, change):
        new_summary = copy.deepcopy(summary)
        change(new_summary)
        by_name = {s.name: s for s in steps.compared({}, {}, summary, new_summary)}
        return by_name[name]

    return judge


def test_equal_figures_are_bit_equal(step):
    assert step("evaluation", lambda _: None).verdict == "bit-equal"


def test_a_gain_over_the_last_blessed_is_not_compared(step):
    judged = step("evaluation", lambda new: new["metrics"].pop("auc_diff"))

    assert judged.verdict == "bit-equal"


def test_no_number_equals_a_metric_that_an_older_summary_left_out(step):
    judged = step("evaluation", lambda new: new["metrics"].update(precision=None))

    assert judged.verdict == "bit-equal"


def test_a_small_change_of_a_figure_is_within_the_tolerance(step):
    judged = step("evaluation", lambda new: new["metrics"].update(auc=0.75 + 5e-7))

    assert judged.verdict == "within tolerance"
    assert judged.difference.endswith("allowed is 1e-06")


def test_a_larger_change_is_named_by_slice_and_metric(step):
    judged = step("evaluation", lambda new: new["slices"]["x=1"].update(auc=0.51))

    assert judged == Step("evaluation", "different", "x=1.auc was 0.5, is 0.51")


def test_a_metric_that_is_null_or_was_left_out_is_the_same(step):
    judged = step("evaluation", lambda new: new["metrics"].update(recall=None))

    assert judged == Step("evaluation", "bit-equal")


def test_another_hyperparameter_is_named(step):
    judged = step("hyperparameters", lambda new: new["records"].update(hyperparameters={}))

    assert judged.difference == "units was 8, is None"


def test_a_bound_that_no_longer_holds_is_named(step):
    judged = step("gate", lambda new: new["gate"][0].update(holds=False))

    assert judged.difference == "auc (all) was True, is False"


def test_what_a_run_did_not_leave_is_not_compared(step):
    judged = step("training", lambda _: None)

    assert judged == Step("training", "not compared", "the run left none")


def test_the_worst_step_is_the_verdict():
    judged = [Step("rows", "bit-equal"), Step("evaluation", "within tolerance", "a little")]

    answer = Verdict("run", judged)

    assert answer.word == "within tolerance"
    assert answer.first_difference == judged[1]
    assert verdict.document(answer)["first_difference"] == "evaluation"


def test_nothing_compared_is_no_equality():
    answer = Verdict("run", [Step("rows", "not compared", "gone")])

    assert answer.word == "not compared"
