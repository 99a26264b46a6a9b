"""The fast counting of windows in these tests is counting.profile's own."""

from dataclasses import replace

import numpy as np
import pytest

from tests.pipeline.monitoring.samples import RowCounter


def without_logarithms(counts):
    """Their sums differ by the order of their terms."""
    return replace(counts, log_sum=0.0, log_square_sum=0.0)


@pytest.mark.parametrize("name", ["taxi", "flights"])
def test_row_counter_counts_as_counting_profile(request, name):
    sample = request.getfixturevalue(name)
    baseline = request.getfixturevalue(f"{name}_baseline")
    places = np.random.default_rng(3).choice(sample.rows.num_rows, 3000, replace=False)

    fast = RowCounter(sample, baseline).profile(places)

    exact = sample.profile(baseline, places)
    for column, counts in exact.columns.items():
        assert without_logarithms(fast.columns[column]) == without_logarithms(counts), column
        assert fast.columns[column].log_sum == pytest.approx(counts.log_sum)
        assert fast.columns[column].log_square_sum == pytest.approx(counts.log_square_sum)
    assert fast.scores == exact.scores
    assert fast.pairs == exact.pairs
