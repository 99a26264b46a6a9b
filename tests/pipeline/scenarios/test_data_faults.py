"""Data in breach of its contract stops the run with one sentence and exit 1.

The last model stays, and the run is recorded.
"""

import hashlib
import json

import pytest

from pipeline.components.csv_example_gen import encode, read_csv
from pipeline.model import schema
from tests.pipeline.conftest import edit, parsed, states


def lines_of(folder):
    text = (folder / "rows.csv").read_text()
    return text.splitlines()


def write(folder, lines):
    text = "\n".join(lines)
    (folder / "rows.csv").write_text(f"{text}\n")


def table(folder):
    """The cells of the header and of each row."""
    return [line.split(",") for line in lines_of(folder)]


def write_table(folder, rows):
    lines = [",".join(cells) for cells in rows]
    write(folder, lines)


def set_cell(folder, row, name, value):
    """Set one cell; the first row is 1."""
    header, *rows = table(folder)
    column = header.index(name)
    rows[row - 1][column] = value
    write_table(folder, [header, *rows])


def set_column(folder, name, value):
    header, *rows = table(folder)
    column = header.index(name)
    for cells in rows:
        cells[column] = value
    write_table(folder, [header, *rows])


def no_file(folder):
    (folder / "rows.csv").unlink()


def empty(folder):
    (folder / "rows.csv").write_text("")


def header_only(folder):
    header, *_ = lines_of(folder)
    write(folder, [header])


def missing_column(folder):
    header, *rows = table(folder)
    column = header.index("fare")
    for cells in (header, *rows):
        del cells[column]
    write_table(folder, [header, *rows])


def extra_column(folder):
    header, *rows = lines_of(folder)
    longer_rows = [f"{row},good" for row in rows]
    write(folder, [f"{header},mood", *longer_rows])


def text_in_a_number(folder):
    set_cell(folder, 7, "fare", "much")


def one_class(folder):
    set_column(folder, "tips", "0")


def one_class_held_out(folder):
    header, *rows = lines_of(folder)
    tips = header.split(",").index("tips")
    kept_rows = []
    for row in rows:
        untipped = row.split(",")[tips] == "0"
        if untipped or not is_held_out(folder, header, row):
            kept_rows.append(row)
    write(folder, [header, *kept_rows])


def no_row_held_out(folder):
    header, *rows = lines_of(folder)
    kept_rows = [row for row in rows if not is_held_out(folder, header, row)]
    write(folder, [header, *kept_rows])


def is_held_out(folder, header, row):
    """Whether the row is one of the split eval, by its hash modulo three."""
    file = folder / "row.csv"
    file.write_text(f"{header}\n{row}\n")
    columns = schema.columns(schema.parse(folder / "schema.pbtxt"))
    [record] = encode(read_csv(file, columns, [""]))
    number = int.from_bytes(hashlib.sha256(record).digest(), "big")
    return number % 3 == 2


def truncated_row(folder):
    *lines, last = lines_of(folder)
    first_cell, *_ = last.split(",")
    write(folder, [*lines, f"{first_cell},"])


def not_utf_8(folder):
    file = folder / "rows.csv"
    content = file.read_bytes()
    file.write_bytes(content.replace(b"Cash", b"Ca\xff\xfe", 1))


def too_few_rows(folder):
    lines = lines_of(folder)
    write(folder, lines[:300])


def impossible_value(folder):
    set_cell(folder, 7, "fare", "-5")


def unknown_feature(folder):
    edit(folder / "schema.pbtxt", r'name: "pickup_census_tract"', 'name: "tract"')


def no_required_value(folder):
    set_column(folder, "tips", "")


FAULTS = {
    no_file: "rows.csv: there is no such file",
    empty: "rows.csv: the file is empty",
    header_only: "rows.csv: there is a header and no row",
    missing_column: "the column fare of schema.pbtxt is missing",
    extra_column: "the column mood is not in schema.pbtxt",
    text_in_a_number: "the column fare holds much in row 8 (the header is row 1), allowed is a finite",
    one_class: "the label big_tip is 0 in every row of train, allowed are rows of both classes",
    one_class_held_out: "the label big_tip is 0 in every row of eval, allowed are rows of both",
    no_row_held_out: "the split eval has none of the 1037 rows, allowed is at least one row",
    truncated_row: "row 1501 (the header is row 1) has 2 cells, allowed are 9",
    not_utf_8: "line 2 is not UTF-8 (the byte 0xff)",
    too_few_rows: "the data has 299 rows, allowed is at least data.minimum_rows = 500",
    impossible_value: "fare (",
    unknown_feature: "the column tract of schema.pbtxt is missing",
    no_required_value: "no row is left of 1500",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_data_stops_the_run_with_one_sentence(fault, cab, cli, trained):
    fault(cab)
    published_sha256 = trained.published_sha256

    result = cli("run", cab, "--runs", trained.runs, "--json")

    sentence = parsed(result)["error"] if result.out else result.sentence
    assert result.code == 1
    assert FAULTS[fault] in sentence
    assert "Traceback" not in result.err
    assert trained.published_sha256 == published_sha256


def test_a_stopped_run_is_recorded_with_its_anomalies(cab, cli, trained):
    impossible_value(cab)

    result = cli("run", cab, "--runs", trained.runs, "--json")

    run = trained.runs / parsed(result)["run"]
    page = (run / "report.html").read_text()
    text = (run / "summary.json").read_text()
    summary = json.loads(text)
    _, section, *_ = page.split("Anomalies")
    anomalies, *_ = section.split("Raw columns")
    state_by_node = states(summary)
    decision = summary["decision"]
    error = summary["error"]
    assert state_by_node["ExampleValidator"] == "failed"
    assert state_by_node["Transform"] == "not reached"
    assert summary["state"] == "failed"
    assert decision.keys() == {"blessed", "published", "reason"}
    assert decision["blessed"] is False
    assert decision["published"] is None
    assert "out-of-range" in error or "unexpectedly" in error
    assert "fare (" in anomalies


def test_rows_without_a_required_column_are_dropped_and_counted(cab, cli, tmp_path):
    for row in (3, 5, 8):
        set_cell(cab, row, "tips", "")

    result = cli("run", cab, "--runs", tmp_path / "runs", "--json")

    data = parsed(result)["records"]["data"]
    assert data["rows_dropped"] == 3
    assert data["rows"] == 1497
