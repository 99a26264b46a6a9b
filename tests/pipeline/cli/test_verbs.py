"""The verbs beside run: schema, tune and predict."""

import csv
import json

from tests.pipeline.conftest import ROWS, parsed


def test_schema_shows_how_the_data_differs_from_the_reviewed_contract(cab, cli):
    result = cli("schema", cab)

    assert result.code == 0
    assert "inferred from the data" in result.out and "-default_environment" in result.out


def test_schema_writes_the_first_one_and_never_over_a_reviewed_one(cab, cli):
    reviewed = (cab / "schema.pbtxt").read_text()
    cli("schema", cab, "--write")
    schema = (cab / "schema.pbtxt").read_text()
    (cab / "schema.pbtxt").unlink()

    result = cli("schema", cab, "--write", "--json")

    assert schema == reviewed
    assert parsed(result)["difference"] == []
    assert 'name: "fare"' in (cab / "schema.pbtxt").read_text()


def test_predict_answers_every_row_in_its_order(trained, cli, tmp_path):
    result = cli(
        "predict",
        trained.folder,
        "--runs",
        trained.runs,
        "--input",
        trained.folder / "rows.csv",
        "--output",
        tmp_path / "out.csv",
        "--json",
    )

    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    source = list(csv.DictReader((trained.folder / "rows.csv").open()))
    assert result.code == 0 and parsed(result)["rows"] == ROWS == len(rows)
    assert [r["trip_start_timestamp"] for r in rows] == [r["trip_start_timestamp"] for r in source]
    assert all(0 <= float(r["predicted_score"]) <= 1 for r in rows)


def test_predict_keeps_each_rows_key(trained, cli, tmp_path):
    keyed, answers = tmp_path / "keyed.csv", tmp_path / "answers.csv"
    header, *lines = (trained.folder / "rows.csv").read_text().splitlines()
    keyed_lines = [f"row {number},{line}" for number, line in enumerate(lines[:50])]
    keyed.write_text("\n".join([f"_key,{header}", *keyed_lines]) + "\n")

    result = cli(
        *("predict", trained.folder, "--runs", trained.runs, "--input", keyed, "--output", answers)
    )

    assert result.code == 0
    with answers.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["_key"] for row in rows] == [f"row {number}" for number in range(50)]
    assert "predicted_score" in rows[0]


def test_predict_needs_no_label(trained, cli, tmp_path):
    source = list(csv.DictReader((trained.folder / "rows.csv").open()))[:5]
    with (tmp_path / "in.csv").open("w") as file:
        writer = csv.DictWriter(
            file, [name for name in source[0] if name != "tips"], extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(source)

    result = cli(
        "predict",
        trained.folder,
        "--runs",
        trained.runs,
        "--input",
        tmp_path / "in.csv",
        "--output",
        tmp_path / "out.csv",
    )

    assert result.code == 0, result.err
    assert len(list(csv.DictReader((tmp_path / "out.csv").open()))) == 5


def test_predict_answers_as_the_engine_does(trained, cli, tmp_path):
    from pipeline.serving.engine import Engine

    output = tmp_path / "out.csv"
    result = cli(
        "predict",
        trained.folder,
        "--runs",
        trained.runs,
        "--input",
        trained.folder / "rows.csv",
        "--output",
        output,
        "--json",
    )
    row = list(csv.DictReader((tmp_path / "out.csv").open()))[2]
    engine = Engine(f"{parsed(result)['model']}/Format-Serving")
    instance = {
        name: (row[name] if engine.types[name] == 1 else float(row[name])) if row[name] else None
        for name in engine.types
    }

    assert abs(engine.predict([instance])[0] - float(row["predicted_score"])) < 1e-5


def test_predict_without_a_model_says_how_to_make_one(cab, cli, tmp_path):
    result = cli(
        "predict",
        cab,
        "--runs",
        tmp_path / "none",
        "--input",
        cab / "rows.csv",
        "--output",
        tmp_path / "out.csv",
    )

    assert result.code == 1
    assert "run `python -m pipeline run cab` first" in result.sentence


def test_predict_names_a_missing_file(trained, cli, tmp_path):
    result = cli(
        "predict",
        trained.folder,
        "--runs",
        trained.runs,
        "--input",
        tmp_path / "no.csv",
        "--output",
        tmp_path / "out.csv",
    )

    assert result.code == 1
    assert "no.csv: there is no such file" in result.sentence


def test_tune_writes_the_best_of_the_declared_space(cab, cli, tmp_path):
    from tests.pipeline.conftest import edit

    toml = cab / "model.toml"
    edit(
        toml,
        r"(?s)\[tuning\]\ntrials = \d+\nsteps = \d+\neval_steps = \d+",
        "[tuning]\ntrials = 2\nsteps = 20\neval_steps = 5",
    )

    result = cli("tune", cab, "--runs", tmp_path / "runs", "--json")

    assert result.code == 0, result.err
    assert parsed(result) == json.loads((cab / "hyperparameters/best.json").read_text())
    next_run = cli("run", cab, "--runs", tmp_path / "runs", "--json")
    assert parsed(next_run)["records"]["hyperparameters"] == parsed(result)
