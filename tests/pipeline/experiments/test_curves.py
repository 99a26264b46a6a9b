"""A run's curves are read back from its folder, also those of an imported run."""

import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.differences import plot
from pipeline.errors import RunError
from pipeline.experiments import curves

ys = st.none() | st.floats(allow_nan=False, allow_infinity=False)
xs = st.floats(allow_nan=False, allow_infinity=False)
lines = st.lists(st.tuples(xs, ys), max_size=40)


def write_series(folder, rows):
    """An imported run's series.parquet of (path, step, value)."""
    paths, steps, values = zip(*rows, strict=True)
    columns = {"path": paths, "step": pa.array(steps, pa.float64()), "value": values}
    pq.write_table(pa.table(columns | {"time": [None] * len(rows)}), folder / "series.parquet")


def test_a_run_without_curves_has_none(tmp_path):
    assert curves.read(tmp_path) == {}


def test_curves_of_a_run_are_read_back(tmp_path):
    document = {"loss": {"train": [[1, 0.5], [2, None]]}, "roc": {"all": [[0.0, 0.0]]}}
    (tmp_path / "curves.json").write_text(json.dumps(document))

    assert curves.read(tmp_path) == {
        "loss": {"train": [(1, 0.5), (2, None)]},
        "roc": {"all": [(0.0, 0.0)]},
    }


def test_an_imported_run_keeps_fractions_gaps_and_the_order_of_its_steps(tmp_path):
    rows = [("m/loss", 1.5, math.nan), ("m/loss", 0.5, 0.25), ("m/auc", 1.0, 0.75)]
    write_series(tmp_path, rows)

    assert curves.read(tmp_path) == {
        "m/auc": {"": [(1.0, 0.75)]},
        "m/loss": {"": [(0.5, 0.25), (1.5, None)]},
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1]",
        '{"loss": 3}',
        '{"loss": {"train": 3}}',
        '{"loss": {"train": [[1]]}}',
        '{"loss": {"train": [["1", 2]]}}',
        '{"loss": {"train": [[1, NaN]]}}',
        '{"loss": {"train": [[1, 1' + "0" * 400 + "]]}}",
        "[" * 100_000,
    ],
)
def test_damaged_curves_are_told_by_their_file(tmp_path, text):
    (tmp_path / "curves.json").write_text(text)

    with pytest.raises(RunError, match=r"curves\.json: no curves"):
        curves.read(tmp_path)


def test_a_truncated_series_is_told_by_its_file(tmp_path):
    write_series(tmp_path, [("loss", 1.0, 0.5)])
    file = tmp_path / "series.parquet"
    file.write_bytes(file.read_bytes()[:50])

    with pytest.raises(RunError, match=r"series\.parquet: no series"):
        curves.read(tmp_path)


def test_a_series_of_other_columns_is_told_by_its_file(tmp_path):
    pq.write_table(pa.table({"path": ["loss"], "step": ["one"]}), tmp_path / "series.parquet")

    with pytest.raises(RunError, match=r"series\.parquet: no series"):
        curves.read(tmp_path)


def test_equal_curves_are_no_difference():
    one = {"loss": {"train": [(1, 0.5)], "validation": [(1, 0.25)]}}
    other = {"loss": {"train": [(1, 0.5)], "validation": [(1, 0.75)]}}

    difference = curves.difference([one, other])

    assert difference == {"loss": {"validation": [[(1, 0.25)], [(1, 0.75)]]}}


def test_a_metric_of_one_run_alone_is_a_difference():
    assert curves.difference([{}, {"auc": {"train": [(1, 0.5)]}}]) == {
        "auc": {"train": [None, [(1, 0.5)]]}
    }


def test_a_thinned_curve_keeps_its_ends_its_peak_and_its_gap():
    points = [(float(step), 0.0) for step in range(100_000)]
    points[777] = (777.0, 9.0)
    points[50_050] = (50_050.0, None)

    thin_points = curves.thinned(points)

    assert len(thin_points) < 2000
    assert thin_points[0] == points[0]
    assert thin_points[-1] == points[-1]
    assert points[777] in thin_points
    assert points[50_050] in thin_points


def test_two_runs_have_their_letters_and_a_star_where_both_lie():
    text = plot.draw("loss", [[(1, 1.0), (3, 0.0)], [(1, 1.0), (2, 1.0)]])

    title, first, *_, last, _, axis = text.splitlines()
    assert title == "loss"
    assert first.startswith("1 |*")
    assert first.endswith("B")
    assert last.endswith("A")
    assert axis.split() == ["1", "3"]


def test_a_gap_is_not_bridged():
    text = plot.draw("loss", [[(1, 0.5), (2, None), (3, 0.5)]])

    assert text.count("A") == 2


def test_a_curve_without_a_number_is_told():
    assert plot.draw("loss", [[(1, None)], None]) == "loss: no number"


@given(st.lists(st.none() | lines, min_size=1, max_size=4))
def test_any_curves_are_drawn_in_the_same_frame(all_lines):
    rows = plot.draw("loss", all_lines).splitlines()

    assert len(rows) in (1, plot.HEIGHT + 3)
    for row in rows[1:-2]:
        _, content = row.split("|")
        assert len(content) <= plot.WIDTH
