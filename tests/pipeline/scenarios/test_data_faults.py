"""Data in breach of its contract stops the run with one sentence and exit 1.

The last model stays, and the run is recorded.
"""

import json

import pytest

from pipeline.components.pusher import tree_sha256
from tests.pipeline.conftest import copy_small, edit, parsed, states


def lines_of(folder):
    return (folder / "rows.csv").read_text().splitlines()


def write(folder, lines):
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")


def column(folder, name):
    return lines_of(folder)[0].split(",").index(name)


def set_cell(folder, row, name, value):
    lines, place = lines_of(folder), column(folder, name)
    cells = lines[row].split(",")
    cells[place] = value
    write(folder, [*lines[:row], ",".join(cells), *lines[row + 1 :]])


def no_file(folder):
    (folder / "rows.csv").unlink()


def empty(folder):
    (folder / "rows.csv").write_text("")


def header_only(folder):
    write(folder, lines_of(folder)[:1])


def missing_column(folder):
    place = column(folder, "fare")
    write(
        folder,
        [
            ",".join(c for i, c in enumerate(line.split(",")) if i != place)
            for line in lines_of(folder)
        ],
    )


def extra_column(folder):
    header, *rows = lines_of(folder)
    write(folder, [header + ",mood", *(row + ",good" for row in rows)])


def text_in_a_number(folder):
    set_cell(folder, 7, "fare", "much")


def one_class(folder):
    place = column(folder, "tips")
    header, *rows = lines_of(folder)
    cells = [row.split(",") for row in rows]
    write(folder, [header, *(",".join([*c[:place], "0", *c[place + 1 :]]) for c in cells)])


def truncated_row(folder):
    lines = lines_of(folder)
    write(folder, [*lines[:-1], lines[-1][: lines[-1].index(",") + 1]])


def not_utf_8(folder):
    content = (folder / "rows.csv").read_bytes()
    (folder / "rows.csv").write_bytes(content.replace(b"Cash", b"Ca\xff\xfe", 1))


def too_few_rows(folder):
    write(folder, lines_of(folder)[:300])


def impossible_value(folder):
    set_cell(folder, 7, "fare", "-5")


def unknown_feature(folder):
    edit(folder / "schema.pbtxt", r'name: "pickup_census_tract"', 'name: "tract"')


def no_required_value(folder):
    place = column(folder, "tips")
    header, *rows = lines_of(folder)
    write(
        folder,
        [
            header,
            *(",".join([*(c := row.split(","))[:place], "", *c[place + 1 :]]) for row in rows),
        ],
    )


FAULTS = {
    no_file: "rows.csv: there is no such file",
    empty: "rows.csv: the file is empty",
    header_only: "rows.csv: there is a header and no row",
    missing_column: "the column fare of schema.pbtxt is missing",
    extra_column: "the column mood is not in schema.pbtxt",
    text_in_a_number: "in the column fare: CSV conversion error to double: invalid value 'much'",
    one_class: "the label big_tip is 0 in every row",
    truncated_row: "Expected 9 columns, got 2",
    not_utf_8: "invalid UTF8",
    too_few_rows: "the data has 299 rows, allowed is at least data.minimum_rows = 500",
    impossible_value: "fare (",
    unknown_feature: "the column tract of schema.pbtxt is missing",
    no_required_value: "no row is left of 1500",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)
def test_bad_data_stops_the_run_with_one_sentence(fault, tmp_path, cli, trained):
    folder, first_tree = copy_small("cab", tmp_path), tree_sha256(trained.published)
    fault(folder)

    result = cli("run", folder, "--runs", trained.runs, "--json")

    assert result.code == 1
    assert FAULTS[fault] in (parsed(result)["error"] if result.out else result.sentence)
    assert "Traceback" not in result.err
    assert tree_sha256(trained.published) == first_tree


def test_a_stopped_run_is_recorded_with_its_anomalies(cab, cli, trained):
    impossible_value(cab)

    summary = parsed(cli("run", cab, "--runs", trained.runs, "--json"))

    page = (trained.runs / summary["run"] / "report.html").read_text()
    recorded = json.loads((trained.runs / summary["run"] / "summary.json").read_text())
    assert (
        states(recorded)["ExampleValidator"] == "failed"
        and states(recorded)["Transform"] == "not reached"
    )
    assert recorded["state"] == "failed" and recorded["decision"] == {
        "blessed": False,
        "published": None,
        "reason": recorded["decision"]["reason"],
    }
    assert "out-of-range" in recorded["error"] or "unexpectedly" in recorded["error"]
    assert "fare (" in page.split("Anomalies")[1].split("Raw columns")[0]


def test_rows_without_a_required_column_are_dropped_and_counted(cab, cli, tmp_path):
    for row in (3, 5, 8):
        set_cell(cab, row, "tips", "")

    summary = parsed(cli("run", cab, "--runs", tmp_path / "runs", "--json"))

    assert summary["records"]["data"]["rows_dropped"] == 3
    assert summary["records"]["data"]["rows"] == 1497
