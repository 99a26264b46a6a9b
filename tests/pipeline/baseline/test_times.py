"""A time is seconds since the epoch or ISO 8601 text; anything else is none."""

import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.baseline import times

NOON = 1400068800  # of 2014-05-14, in UTC
NOON_MILLISECONDS = 1400068800000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FORMS = [
    "2014-05-14T12:00:00Z",
    "2014-05-14T12:00:00",
    "2014-05-14 12:00",
    "2014-05-14T12:00:00.999999Z",
    "2014-05-14T13:30:00+01:30",
    "20140514T120000Z",
]
OTHERS = ["", "noon", "2014-02-30", "2014-13-01", "14/05/2014", "1400068800", "2014", "\0", "é"]
NUMBERS = {NOON: NOON, NOON + 0.5: NOON, 0: 0, NOON_MILLISECONDS: None, 1e300: None}
MIDNIGHT = 1400025600  # of the same day

minutes = st.integers(-840, 840)
moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1))
local_times = st.tuples(moments, minutes)
values = st.one_of(st.text(), st.binary(), st.integers(), st.none())


def seconds(column):
    """The seconds since the epoch, None for no time."""
    chunks = pa.chunked_array([column])
    numbers = []
    for moment in times.of_column(chunks):
        number = None if np.isnat(moment) else moment.astype(int)
        numbers.append(number)
    return numbers


@pytest.mark.parametrize("text", FORMS)
def test_each_form_of_iso_8601_is_a_time(text):
    assert seconds([text]) == [NOON]


def test_a_date_alone_is_its_midnight():
    assert seconds(["2014-05-14"]) == [MIDNIGHT]


def test_a_number_that_is_none_is_no_time():
    assert seconds([math.nan]) == [None]


@pytest.mark.parametrize("text", OTHERS)
def test_other_text_is_none(text):
    assert seconds([text, None]) == [None, None]


@pytest.mark.parametrize(("number", "second"), NUMBERS.items())
def test_a_number_is_seconds_of_the_years_1_to_9999(number, second):
    assert seconds([number, None]) == [second, None]


@given(local_times)
def test_times_are_utc_to_the_second_whatever_their_zone(local_time):
    moment, offset = local_time
    delta = timedelta(minutes=offset)
    zoned = moment.replace(tzinfo=timezone(delta))
    text = zoned.isoformat()

    [result] = seconds([text])

    assert result == (zoned - EPOCH) // SECOND


@given(values)
def test_any_value_is_a_time_or_none(value):
    moment = times.of_value(value)

    assert moment.dtype == "datetime64[s]"
