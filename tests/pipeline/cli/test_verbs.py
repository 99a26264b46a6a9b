"""The verbs beside run: schema, tune and predict."""

import csv
import json
import subprocess
import sys

import pytest

from tests.pipeline.conftest import ROWS, edit, parsed
from tests.team import TEAM, variables


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def predict(trained, cli, tmp_path):
    """Have the trained model answer these rows, in out.csv."""

    def call(source, *options):
        paths = ("--runs", trained.runs, "--input", source, "--output", tmp_path / "out.csv")
        return cli("predict", trained.folder, *paths, *options)

    return call


def test_schema_shows_how_the_data_differs_from_the_reviewed_contract(cab, cli):
    result = cli("schema", cab)

    assert result.code == 0
    assert "inferred from the data" in result.out
    assert "-default_environment" in result.out


def test_schema_on_good_data_says_nothing_on_standard_error(cab):
    command = [sys.executable, "-m", "pipeline", "schema", cab]
    environment = variables() | {"ESTEIRA_ENVIRONMENT": "pipeline", "TF_CPP_MIN_LOG_LEVEL": "3"}

    process = subprocess.run(command, cwd=TEAM, env=environment, capture_output=True, text=True)

    assert process.returncode == 0
    assert process.stderr == ""


def test_a_closed_standard_output_is_no_fault(trained):
    arguments = f"lineage back cab --runs {trained.runs}"
    command = f"{sys.executable} -m pipeline {arguments} >&-"
    environment = variables() | {"ESTEIRA_ENVIRONMENT": "pipeline"}

    process = subprocess.run(
        command, shell=True, cwd=TEAM, env=environment, capture_output=True, text=True
    )

    assert process.stderr == ""
    assert process.returncode == 0


def test_schema_writes_the_first_one_and_never_over_a_reviewed_one(cab, cli):
    file = cab / "schema.pbtxt"
    reviewed_schema = file.read_text()

    cli("schema", cab, "--write")
    schema = file.read_text()
    file.unlink()
    result = cli("schema", cab, "--write", "--json")

    summary = parsed(result)
    new_schema = file.read_text()
    assert schema == reviewed_schema
    assert summary["difference"] == []
    assert 'name: "fare"' in new_schema


def test_predict_answers_every_row_in_its_order(trained, predict, tmp_path):
    source = trained.folder / "rows.csv"

    result = predict(source, "--json")

    source_rows = read_rows(source)
    rows = read_rows(tmp_path / "out.csv")
    summary = parsed(result)
    assert result.code == 0
    assert summary["rows"] == ROWS
    assert len(rows) == ROWS
    source_timestamps = [row["trip_start_timestamp"] for row in source_rows]
    timestamps = [row["trip_start_timestamp"] for row in rows]
    scores = [float(row["predicted_score"]) for row in rows]
    assert timestamps == source_timestamps
    assert min(scores) >= 0
    assert max(scores) <= 1


def test_predict_keeps_each_rows_key(trained, predict, tmp_path):
    header, *lines = (trained.folder / "rows.csv").read_text().splitlines()
    keyed_lines = [f"row {number},{line}" for number, line in enumerate(lines[:50])]
    text = "\n".join([f"_key,{header}", *keyed_lines])
    source = tmp_path / "keyed.csv"
    source.write_text(f"{text}\n")

    result = predict(source)

    rows = read_rows(tmp_path / "out.csv")
    keys = [row["_key"] for row in rows]
    assert result.code == 0
    assert keys == [f"row {number}" for number in range(50)]
    assert "predicted_score" in rows[0]


def test_predict_needs_no_label(trained, predict, tmp_path):
    source = tmp_path / "in.csv"
    first_rows = read_rows(trained.folder / "rows.csv")[:5]
    for row in first_rows:
        del row["tips"]
    with source.open("w") as file:
        writer = csv.DictWriter(file, first_rows[0])
        writer.writeheader()
        writer.writerows(first_rows)

    result = predict(source)

    assert result.code == 0, result.err
    rows = read_rows(tmp_path / "out.csv")
    assert len(rows) == 5


def test_predict_answers_as_the_engine_does(trained, predict, tmp_path):
    from pipeline.serving.engine import Engine

    result = predict(trained.folder / "rows.csv", "--json")

    summary = parsed(result)
    row = read_rows(tmp_path / "out.csv")[2]
    engine = Engine(f"{summary['model']}/Format-Serving")
    instance = instance_of(row, engine.types)
    score = float(row["predicted_score"])
    [engine_score] = engine.predict([instance])
    assert engine_score == pytest.approx(score, rel=0, abs=1e-5)


def instance_of(row, types):
    """The row as JSON has it: numbers as numbers, None for a missing value."""
    instance = {}
    for name, type_ in types.items():
        text = row[name]
        if not text:
            instance[name] = None
        elif type_ == "BYTES":
            instance[name] = text
        else:
            instance[name] = float(text)
    return instance


def test_predict_answers_no_empty_row_of_excels(trained, predict, tmp_path):
    text = (trained.folder / "rows.csv").read_text()
    source = tmp_path / "excel.csv"
    source.write_text(f"{text},,,,,,,,\n,,,,,,,,\n")

    result = predict(source)

    rows = read_rows(tmp_path / "out.csv")
    assert result.code == 0
    assert len(rows) == ROWS


@pytest.mark.parametrize("value", ["nan", "inf", "1e39"])
@pytest.mark.parametrize("verb", ["run", "schema", "predict"])
def test_a_number_that_serving_refuses_is_refused_by_each_verb(
    verb, value, cab, cli, trained, tmp_path
):
    source = cab / "rows.csv"
    edit(source, r"^1400001300,16,4\.66,", f"1400001300,16,{value},")
    options = {
        "run": ("--runs", trained.runs),
        "schema": (),
        "predict": ("--runs", trained.runs, "--input", source, "--output", tmp_path / "out.csv"),
    }

    result = cli(verb, cab, *options[verb])

    assert result.code == 1
    assert (
        f"rows.csv: the column fare holds {value} in row 3 (the header" in result.err + result.out
    )


def test_predict_without_a_model_says_how_to_make_one(cab, cli, tmp_path):
    source = cab / "rows.csv"
    paths = ("--runs", tmp_path / "none", "--input", source, "--output", tmp_path / "out.csv")

    result = cli("predict", cab, *paths)

    assert result.code == 1
    assert "run `python -m pipeline run cab` first" in result.sentence


def test_predict_names_a_missing_file(predict, tmp_path):
    result = predict(tmp_path / "no.csv")

    assert result.code == 1
    assert "no.csv: there is no such file" in result.sentence


def test_tune_writes_the_best_of_the_declared_space(cab, cli, tmp_path):
    runs = ("--runs", tmp_path / "runs")
    edit(
        cab / "model.toml",
        r"(?s)\[tuning\]\ntrials = \d+\nsteps = \d+\neval_steps = \d+",
        "[tuning]\ntrials = 2\nsteps = 20\neval_steps = 5",
    )

    result = cli("tune", cab, *runs, "--json")

    assert result.code == 0, result.err
    best = parsed(result)
    file = cab / "hyperparameters/best.json"
    written = json.loads(file.read_text())
    assert written == best

    next_result = cli("run", cab, *runs, "--json")

    summary = parsed(next_result)
    assert summary["records"]["hyperparameters"] == best
