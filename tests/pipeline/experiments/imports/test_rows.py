"""The steps of a curve keep all their digits."""

from decimal import Decimal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipeline.experiments.imports import rows

EXACT = 2**53  # integers up to here are doubles, too


@given(st.lists(st.integers(-EXACT, EXACT), min_size=1), st.integers(0, 3))
def test_a_step_is_the_double_that_its_six_decimals_name(millionths, offset):
    decimals = [Decimal(each).scaleb(-6) for each in millionths]
    array = pa.array([*decimals[:1] * offset, *decimals], pa.decimal128(18, 6)).slice(offset)

    steps = rows.steps(array)

    assert steps.tolist() == [float(each) for each in decimals]
