"""Rows in that are not rows out are an error, whatever the reason."""

from collections import Counter

import pytest

from pipeline.errors import RunError
from pipeline.experiments.imports.counts import Counts


@pytest.fixture
def counts():
    left_out = {"it has no attribute_path": Counter(int=1)}
    return Counts(Counter(int=3, float=1), Counter(int=2, float=1), left_out)


def test_equal_counts_hold(counts):
    counts.check(in_parts=4, written=3)


def test_a_type_that_has_more_in_than_out_is_an_error(counts):
    counts.taken = Counter(int=1, float=2)

    with pytest.raises(RunError, match="rows in and out differ"):
        counts.check(in_parts=4, written=3)


def test_a_row_that_was_not_read_is_an_error(counts):
    with pytest.raises(RunError, match="its parts have 5 rows, and 4 were read"):
        counts.check(in_parts=5, written=3)


def test_a_row_that_was_not_written_is_an_error(counts):
    with pytest.raises(RunError, match="3 rows are to be kept, and 2 were written"):
        counts.check(in_parts=4, written=2)
