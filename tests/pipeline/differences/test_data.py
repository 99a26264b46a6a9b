"""Two runs' rows are compared by their statistics, which TFDV makes of rows as a run does."""

import pyarrow as pa
import pytest

from pipeline.differences import data, text
from pipeline.errors import RunError


@pytest.fixture
def old(statistics):
    return statistics("old", fare=[1.0, 2.0, 3.0, 4.0], kind=["a", "a", "b", "b"])


def train(old, new):
    return data.difference(old, new)["train"]


def test_equal_rows_have_no_column_that_differs(old):
    change = train(old, old)

    assert change["columns"] == []
    assert change["equal"] == 2
    assert change["rows"] == [4, 4]


def test_a_moved_number_is_told_with_its_figures_and_distance(old, statistics):
    new = statistics("new", fare=[11.0, 12.0, 13.0, 14.0], kind=["a", "a", "b", "b"])

    [column] = train(old, new)["columns"]

    assert column["name"] == "fare"
    assert column["figures"]["mean"] == [2.5, 12.5]
    assert column["distance"] > 0.9


def test_new_and_gone_categories_are_named(old, statistics):
    new = statistics("new", fare=[1.0, 2.0, 3.0, 4.0], kind=["a", "a", "c", "c"])

    [column] = train(old, new)["columns"]

    assert column["new"] == ["c"]
    assert column["gone"] == ["b"]
    assert column["distance"] == pytest.approx(0.5)
    assert column["all_listed"] is True


def test_a_category_of_control_characters_begins_no_line(old, statistics):
    new = statistics("new", fare=[1.0, 2.0, 3.0, 4.0], kind=["a", "a", "\x1b[2J\nc", "b"])

    lines = text.of_data(data.difference(old, new)).splitlines()

    assert len(lines) == 2
    assert lines[1].endswith("new: ?[2J?c")


def test_missing_values_count(old, statistics):
    new = statistics("new", fare=[1.0, 2.0, 3.0, 4.0], kind=["a", "b", None, None])

    [column] = train(old, new)["columns"]

    assert column["missing"] == [0.0, 0.5]
    assert "missing 0.0% -> 50.0%" in text.of_data(data.difference(old, new))


def test_columns_and_types_that_changed_are_named(old, statistics):
    new = statistics("new", fare=["1", "2", "3", "4"], more=[1, 2, 3, 4])

    change = train(old, new)

    assert change["gone"] == ["kind"]
    assert change["new"] == ["more"]
    [column] = change["columns"]
    assert column["type"] == ["FLOAT", "STRING"]
    assert column["distance"] is None


EMPTY = pa.array([None] * 4, pa.list_(pa.float32()))


@pytest.mark.parametrize("fare", [EMPTY, [float("nan")] * 4], ids=["missing", "nan"])
def test_a_column_that_lost_all_of_its_numbers_differs_and_is_shown(old, statistics, fare):
    new = statistics("new", fare=fare, kind=["a", "a", "b", "b"])

    splits = data.difference(old, new)

    [column] = splits["train"]["columns"]
    assert column["name"] == "fare"
    assert column["distance"] > 0.3
    assert "  fare: " in text.of_data(splits)


def test_statistics_without_a_common_split_are_told_as_not_compared(old, tmp_path):
    splits = data.difference(old, tmp_path)

    assert text.of_data(splits).startswith("nothing could be compared")


def test_damaged_statistics_are_named(old, statistics):
    file = old / "Split-train/FeatureStats.pb"
    new = statistics("new", fare=[1.0])
    file.write_bytes(file.read_bytes()[:20])

    with pytest.raises(RunError, match=r"FeatureStats\.pb: no statistics"):
        data.difference(old, new)
