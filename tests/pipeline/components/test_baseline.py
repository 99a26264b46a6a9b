"""The node that keeps what a model was trained on, asked with a trained model and other rows."""

import csv
import json
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.types import artifact_utils, channel_utils, standard_artifacts

from pipeline import manifest, places, spec
from pipeline.baseline import content
from pipeline.components import artifacts
from pipeline.components.baseline import Baseline, Executor
from pipeline.job import compiler
from pipeline.job.dag import create_prediction_pipeline, create_tuning_pipeline
from pipeline.model import schema
from pipeline.model.folder import ModelFolder
from tests.pipeline.conftest import ROWS, edit
from tests.pipeline.disk import mounted

SPLITS = ("train", "eval")


def newest(folder):
    numbered = [path for path in folder.iterdir() if path.name.isdigit()]
    return max(numbered, key=lambda path: int(path.name))


@pytest.fixture
def examples(trained):
    """The rows that the model was trained on."""
    return examples_at(newest(trained.runs / "store/cab/CsvExampleGen/examples"))


def examples_at(folder):
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder)
    artifact.split_names = artifact_utils.encode_split_names(SPLITS)
    artifact.set_string_custom_property("tfx_version", "1.21.0")
    return artifact


@pytest.fixture
def model(trained):
    artifact = standard_artifacts.Model()
    artifact.uri = str(newest(trained.runs / "store/cab/Trainer/model"))
    return artifact


@pytest.fixture
def blessing():
    return blessing_of(1)


def blessing_of(blessed):
    artifact = standard_artifacts.InfraBlessing()
    artifact.set_int_custom_property("blessed", blessed)
    return artifact


@pytest.fixture
def made(examples, model, blessing, cab, tmp_path):
    """Run the node; the artifact, with its file if there is one."""

    def call(**others):
        inputs = {"examples": examples, "model": model, "infra_blessing": blessing} | others
        artifact = artifacts.Baseline()
        artifact.uri = str(tmp_path / "baseline")
        Executor().Do(
            {name: [value] for name, value in inputs.items()},
            {"baseline": [artifact]},
            {"settings": settings_of(cab)},
        )
        return artifact

    return call


def settings_of(folder):
    """What the node of this folder's pipeline is told."""
    model = ModelFolder.load(str(folder))
    contract = schema.read(model)
    node = Baseline(
        examples=channel_utils.as_channel([examples_at("e")]),
        model=channel_utils.as_channel([standard_artifacts.Model()]),
        infra_blessing=channel_utils.as_channel([blessing_of(1)]),
        name=model.name,
        declaration=model.declaration,
        columns=schema.columns(contract),
        served=schema.served_columns(contract),
    )
    return node.exec_properties["settings"]


def baseline_of(artifact):
    file = Path(artifact.uri) / content.NAME
    return content.decode(file.read_bytes(), str(file))


def problem_of(artifact):
    return artifact.get_string_custom_property("problem")


def rows_of_the_cab(cab):
    with (cab / "rows.csv").open() as file:
        return list(csv.DictReader(file))


def write_examples(folder, rows_by_split):
    """Examples of cab rows, with empty cells missing."""
    for split, rows in rows_by_split.items():
        split_folder = folder / f"Split-{split}"
        split_folder.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(split_folder / "data.gz"), "GZIP") as writer:
            for row in rows:
                writer.write(record(row))
    return examples_at(folder)


TYPES = {"fare": "float", "tips": "float", "trip_miles": "float"}
TEXTS = ("payment_type", "company")


def record(row):
    example = tf.train.Example()
    features = example.features.feature
    for name, value in row.items():
        if value == "":
            continue
        if name in TYPES:
            features[name].float_list.value.append(float(value))
        elif name in TEXTS:
            features[name].bytes_list.value.append(value.encode())
        else:
            features[name].int64_list.value.append(int(value))
    return example.SerializeToString()


def test_it_names_the_model_by_the_digest_of_its_files(made, model):
    artifact = made()

    files = manifest.of(Path(model.uri) / "Format-Serving")
    baseline = baseline_of(artifact)
    assert baseline.model == "cab"
    assert baseline.digest == files.digest
    assert artifact.get_string_custom_property("digest") == files.digest


def test_it_counts_each_training_row_and_each_held_out_one(made, cab):
    artifact = made()

    baseline = baseline_of(artifact)
    rows = baseline.reference.instances
    assert artifact.get_int_custom_property("rows") == rows
    assert rows + sum(baseline.calibration.rows) == ROWS
    assert baseline.reference.columns["fare"].total == rows


def test_its_labels_are_the_models_own(made, cab):
    artifact = made()

    positives = sum(baseline_of(artifact).calibration.positives)
    held_out = sum(baseline_of(artifact).calibration.rows)
    tipped = [row for row in rows_of_the_cab(cab) if is_big_tip(row)]
    assert positives / held_out == pytest.approx(len(tipped) / ROWS, abs=0.06)


def is_big_tip(row):
    return float(row["fare"]) > 0 and float(row["tips"]) > 0.2 * float(row["fare"])


def test_served_columns_alone_are_judged_and_each_has_its_importance(made):
    baseline = baseline_of(made())

    assert "tips" not in baseline.columns
    assert baseline.columns["payment_type"].importance > 0.1
    assert baseline.columns["trip_start_timestamp"].importance == 0


def test_a_column_without_a_value_is_missing_in_each_row_and_no_failure(made, cab, tmp_path):
    rows = [{**row, "trip_miles": ""} for row in rows_of_the_cab(cab)]
    examples = write_examples(tmp_path / "examples", {"train": rows[:1000], "eval": rows[1000:]})

    baseline = baseline_of(made(examples=examples))

    assert baseline.reference.columns["trip_miles"].missing == 1000
    assert baseline.columns["trip_miles"].importance == 0


def test_no_value_of_a_personal_column_is_in_it(made, cab):
    artifact = made()

    text = (Path(artifact.uri) / content.NAME).read_text()
    companies = {row["company"] for row in rows_of_the_cab(cab)} - {""}
    assert companies
    assert [company for company in companies if company in text] == []


def test_a_slice_of_a_personal_column_is_not_counted(cab):
    parts = [
        f'[[gate.slices]]\nfeature = "{feature}"\nvalue = {value}\nlower_bound = 0.6\n'
        for feature, value in (("company", '"Blue Cab"'), ("tips", "1"), ("trip_start_hour", "7"))
    ]
    edit(cab / "model.toml", r"^\[serving\]$", "\n".join([*parts, "[serving]"]))

    settings = json.loads(settings_of(cab))

    assert settings["slices"] == [{"column": "trip_start_hour", "value": "7"}]


def test_it_has_what_the_gate_asks_and_where_outcomes_arrive(made, cab):
    edit(cab / "model.toml", r"\Z", "\n[monitoring.labels]\ntable = 'tips'\ndelay_days = 7\n")

    baseline = baseline_of(made())

    assert baseline.gate.metric == "auc"
    assert 0.5 < baseline.gate.lower_bound < 1
    assert len(baseline.gate.slice_bounds) == len(baseline.slices)
    assert baseline.labels == content.Labels(table="tips", delay_days=7)


def test_a_time_known_only_afterwards_makes_the_blocks_and_is_no_served_column(cab):
    edit(
        cab / "schema.pbtxt",
        r'^feature \{ name: "trip_start_timestamp" type: INT',
        r'\g<0> not_in_environment: "SERVING"',
    )
    edit(cab / "model.toml", r"^trip_start_timestamp = .*\n", "")

    settings = json.loads(settings_of(cab))

    assert settings["rows"]["trip_start_timestamp"] == "INT"
    assert "trip_start_timestamp" not in settings["served"]


def with_times(rows, times):
    return [{**row, "trip_start_timestamp": time} for row, time in zip(rows, times, strict=True)]


def test_a_time_column_without_a_time_gives_no_blocks_and_says_why(made, cab, tmp_path):
    rows = with_times(rows_of_the_cab(cab), [""] * ROWS)
    examples = write_examples(tmp_path / "examples", {"train": rows[:1000], "eval": rows[1000:]})

    blocks = baseline_of(made(examples=examples)).blocks

    assert blocks.count == 0
    assert blocks.why_none


def test_ten_rows_are_no_blocks_and_no_failure(made, cab, tmp_path):
    rows = rows_of_the_cab(cab)[:20]
    examples = write_examples(tmp_path / "examples", {"train": rows[:10], "eval": rows[10:]})

    baseline = baseline_of(made(examples=examples))

    assert baseline.reference.instances == 10
    assert baseline.blocks.count == 0


def test_held_out_rows_of_one_class_make_no_column_important(made, cab, tmp_path):
    rows = rows_of_the_cab(cab)
    never_tipped = [{**row, "tips": "0"} for row in rows[1000:]]
    examples = write_examples(tmp_path / "examples", {"train": rows[:1000], "eval": never_tipped})

    baseline = baseline_of(made(examples=examples))

    importances = {column.importance for column in baseline.columns.values()}
    assert importances == {None}
    assert sum(baseline.calibration.positives) == 0


def test_a_constant_column_is_kept_with_its_one_value(made, cab, tmp_path):
    rows = [{**row, "fare": "5.0"} for row in rows_of_the_cab(cab)]
    examples = write_examples(tmp_path / "examples", {"train": rows[:1000], "eval": rows[1000:]})

    baseline = baseline_of(made(examples=examples))

    assert baseline.columns["fare"].largest_share == 1
    assert baseline.columns["fare"].importance == 0


def test_without_a_held_out_row_there_is_none_and_a_sentence(made, cab, tmp_path):
    rows = rows_of_the_cab(cab)
    examples = write_examples(tmp_path / "examples", {"train": rows, "eval": []})

    artifact = made(examples=examples)

    assert problem_of(artifact) == "there are no held-out rows"
    assert not Path(artifact.uri).exists()


def test_a_model_that_cannot_be_served_is_not_asked(made, model):
    model.uri = "/no/such/model"

    artifact = made(infra_blessing=blessing_of(0))

    assert problem_of(artifact) == "the model can't be served"


def test_a_model_that_fails_at_a_held_out_row_leaves_none_and_a_sentence(made, cab, tmp_path):
    rows = rows_of_the_cab(cab)
    wrong = tf.train.Example()
    wrong.features.feature["fare"].bytes_list.value.append(b"much")
    examples = write_examples(tmp_path / "examples", {"train": rows, "eval": []})
    with tf.io.TFRecordWriter(f"{examples.uri}/Split-eval/data.gz", "GZIP") as writer:
        writer.write(wrong.SerializeToString())

    artifact = made(examples=examples)

    assert problem_of(artifact).startswith("the model can't be asked: ")
    assert "\n" not in problem_of(artifact)


def test_a_full_disk_is_told_as_one(made, tmp_path):
    with mounted(tmp_path / "baseline", "size=4k"), pytest.raises(Exception) as error:
        made()

    assert places.is_full(error.value)


def test_neither_a_search_for_hyperparameters_nor_a_prediction_makes_one(cab, tmp_path):
    pipeline_spec = spec.here(ModelFolder.load(str(cab)), tmp_path / "store")

    nodes = []
    for create in (create_tuning_pipeline, create_prediction_pipeline):
        pipeline = compiler.build(create, pipeline_spec)
        nodes += [component.id for component in pipeline.components]

    assert "Tuner" in nodes
    assert "BulkInferrer" in nodes
    assert "Baseline" not in nodes
