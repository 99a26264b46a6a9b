"""A baseline of training rows: limits, what is not judged, and nobody's own values."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline.baseline import content, counting
from pipeline.errors import RunError

FIRST_DAY = np.datetime64("2025-01-06")  # of the rows


def test_a_baseline_survives_its_file(composed):
    baseline = composed()

    assert content.decode(content.encode(baseline), "baseline.json") == baseline


def test_the_reference_is_the_training_rows_own_profile(composed, rows):
    baseline = composed()

    profile = counting.profile(baseline, rows, np.linspace(0, 1, rows.num_rows))

    assert profile == baseline.reference


def test_rows_that_never_drift_have_the_smallest_limits(composed):
    baseline = composed()

    assert baseline.columns["price"].limit == 0.01
    assert baseline.columns["city"].share_limit == 0.03
    assert baseline.scale == 1.0


def test_a_column_that_moves_from_week_to_week_has_a_larger_limit(composed, rows, times):
    week = (times - times.min()).astype("timedelta64[D]").astype(int) // 7
    prices = rows["price"].to_numpy() * np.where(week % 2, 1.3, 1.0)
    table = rows.set_column(0, "price", pa.array(prices))

    baseline = composed(table)

    assert baseline.columns["price"].limit > 0.015


def test_without_a_time_column_limits_are_larger_and_it_is_said(composed):
    baseline = composed(moments=None)

    assert baseline.columns["price"].limit == 0.02
    assert baseline.blocks.count == 0
    assert baseline.blocks.why_none == "model.toml names no time column"


def test_with_fewer_than_eight_blocks_limits_are_larger_and_it_is_said(composed):
    baseline = composed(window_days=14)

    assert baseline.columns["price"].limit == 0.02
    assert baseline.blocks.why_none == "5 whole blocks of 14 days, allowed are 8 or more"


def test_a_time_column_without_a_single_time_is_as_none(composed, times):
    nowhere = np.full(times.size, "NaT", dtype="datetime64[s]")

    baseline = composed(moments=nowhere)

    assert baseline.columns["price"].limit == 0.02


def test_model_toml_overrides_a_limit_and_the_scale_leaves_it_alone(composed):
    column = composed(limits={"price": 0.2}).columns["price"]

    assert column.limit == 0.2
    assert column.limit_is_set


def test_a_limit_in_model_toml_has_an_id_judged(composed):
    column = composed(limits={"name": 0.5}).columns["name"]

    assert column.unjudged is None


def test_a_column_that_was_left_out_says_so(composed):
    column = composed(leave_out=("city",)).columns["city"]

    assert column.unjudged == "left out by monitoring.leave_out in model.toml"


def test_a_category_of_many_values_is_an_id(composed, rows):
    names = ["nobody"] * 70 + rows["name"].to_pylist()[70:]
    table = rows.set_column(3, "name", pa.array(names))

    unjudged = composed(table).columns["name"].unjudged

    assert unjudged.startswith("an id: 2,7")
    assert unjudged.endswith(
        "different values, of which the 1 most frequent ones are 1 % of the rows"
    )


def test_a_category_whose_values_are_all_rare_says_so(composed, rows, times):
    few = rows.slice(0, 9)

    column = composed(few, times[:9], schema={"city": "BYTES"}).columns["city"]

    assert column.unjudged == "none of its 3 values is in 10 rows or more"


def test_a_number_that_grows_with_time_is_a_counter(composed, rows, times):
    order = np.argsort(np.argsort(times))
    table = rows.set_column(0, "price", pa.array(order))

    column = composed(table, schema={"price": "INT"}).columns["price"]

    assert column.unjudged == "a counter: it grows with time"


def test_the_year_is_a_counter(composed, rows, times):
    years = times.astype("datetime64[Y]").astype(int) + 1970
    table = rows.set_column(0, "price", pa.array(years))

    column = composed(table, schema={"price": "INT"}).columns["price"]

    assert column.unjudged == "a counter: it grows with time"


def test_numbers_of_one_moment_are_no_counter_and_no_warning(composed, rows, times):
    random = np.random.default_rng(3)
    table = rows.set_column(0, "price", pa.array(random.integers(0, 50, rows.num_rows)))

    with np.errstate(invalid="raise"):
        baseline = composed(table, np.full(times.size, times[0]), schema={"price": "INT"})

    assert baseline.columns["price"].unjudged is None


def test_whole_numbers_that_name_their_row_are_an_id(composed, rows):
    random = np.random.default_rng(3)
    ids = random.permutation(rows.num_rows)
    table = rows.set_column(0, "price", pa.array(ids))

    column = composed(table, schema={"price": "INT"}).columns["price"]

    assert column.unjudged == "an id: 7,000 different whole numbers in 7,000 rows"


@pytest.mark.parametrize("unit", ["month", "day"])
def test_the_month_and_the_day_are_not_judged_since_each_week_has_others(
    composed, rows, times, unit
):
    months = times.astype("datetime64[M]")
    parts = {
        "month": months.astype(int) % 12 + 1,
        "day": (times.astype("datetime64[D]") - months).astype(int) + 1,
    }
    table = rows.set_column(0, "price", pa.array(parts[unit]))

    column = composed(table, schema={"price": "INT"}).columns["price"]

    assert column.calendar == unit
    assert column.unjudged.endswith(f"it follows the {unit}")


def test_the_hour_follows_the_clock_and_is_judged(composed):
    column = composed().columns["hour"]

    assert column.calendar == "hour"
    assert column.unjudged is None


def test_an_hour_follows_the_clock_in_another_zone_with_daylight_saving(composed, rows, times):
    shift = np.where(times < np.datetime64("2025-02-10"), 6, 5).astype("timedelta64[h]")
    local = times - shift
    hours = (local - local.astype("datetime64[D]")).astype(int) // 3600
    table = rows.set_column(2, "hour", pa.array(hours))

    assert composed(table).columns["hour"].calendar == "hour"


def test_a_local_time_of_day_follows_the_clock_although_other_months_shift_it(
    composed, rows, times
):
    shift = np.where(times < np.datetime64("2025-02-01"), 6, 4).astype("timedelta64[h]")
    local = times - shift
    minutes = (local - local.astype("datetime64[D]")).astype(int) // 60
    table = rows.set_column(2, "hour", pa.array(minutes))

    assert composed(table).columns["hour"].calendar == "hour"


def test_the_weekday_follows_the_clock(composed, rows, times):
    weekdays = (times.astype("datetime64[D]").astype(int) + 4) % 7
    table = rows.set_column(2, "hour", pa.array(weekdays))

    assert composed(table).columns["hour"].calendar == "weekday"


def test_a_week_without_the_hour_makes_no_season_of_other_weeks_harder_to_see(
    composed, rows, times
):
    quarters = rows["hour"].to_numpy() // 6
    lost = (times >= FIRST_DAY + 14) & (times < FIRST_DAY + 21)
    table = rows.set_column(2, "hour", pa.array(quarters, mask=lost))

    column = composed(table, schema={"hour": "INT"}).columns["hour"]

    assert column.calendar == "hour"
    assert len(column.windows) == 9
    assert column.window_limit == 0.02


@pytest.mark.parametrize("column", ["price", "city", "name"])
def test_other_columns_do_not_follow_the_clock(composed, column):
    assert composed().columns[column].calendar is None


def test_a_personal_column_has_one_bin_and_no_value(composed):
    baseline = composed(personal=("city", "price"))

    text = content.encode(baseline).decode()
    assert "Ghent" not in text
    assert baseline.columns["city"].bins.count == 1
    assert baseline.columns["price"].bins.count == 1
    assert baseline.columns["price"].quantiles == ()


def test_a_value_that_fewer_than_ten_rows_have_is_in_no_baseline(composed, rows):
    cities = rows["city"].to_pylist()
    rare = ["Rare"] * 9 + cities[9:]
    prices = rows["price"].to_numpy().copy()
    prices[:9] = 77777.25
    table = rows.set_column(1, "city", pa.array(rare)).set_column(0, "price", pa.array(prices))

    text = content.encode(composed(table)).decode()

    assert "Rare" not in text
    assert "77777.25" not in text


def test_columns_that_go_together_are_a_pair(composed, rows):
    double = rows["price"].to_numpy() * 2
    table = rows.append_column("double", pa.array(double))

    baseline = composed(table, schema={"price": "FLOAT", "double": "FLOAT", "city": "BYTES"})

    assert [pair.name for pair in baseline.pairs] == ["price,double"]


def test_a_pair_counts_the_rows_that_have_both_values(composed, rows):
    double = pa.array([None, *(rows["price"].to_numpy()[1:] * 2)])
    table = rows.append_column("double", double)

    baseline = composed(table, schema={"price": "FLOAT", "double": "FLOAT"})

    assert sum(baseline.reference.pairs["price,double"]) == rows.num_rows - 1


@pytest.mark.parametrize("size", [0, 1, 5])
def test_next_to_no_rows_make_a_baseline_too(composed, rows, times, size):
    baseline = composed(rows.slice(0, size), times[:size])

    assert baseline.reference.instances == size


def test_a_column_without_any_value_makes_a_baseline_too(composed, rows):
    table = rows.set_column(0, "price", pa.nulls(rows.num_rows, pa.float64()))

    baseline = composed(table)

    assert baseline.reference.columns["price"].missing == rows.num_rows


def test_a_newer_baseline_is_refused_in_one_sentence(composed):
    newer = content.encode(composed()).replace(b'"version":1', b'"version":2', 1)

    with pytest.raises(RunError, match=r"b.json is of version 2, allowed is 1"):
        content.decode(newer, "b.json")
