"""Windows of a sample: without drift, or with a change of one column; and their verdicts."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.baseline import blocks
from pipeline.monitoring.judging import judgement
from tests.pipeline.monitoring.samples import RowCounter

BEGIN = datetime(2026, 1, 5)


def verdict(baseline, profile, earlier=()):
    return judgement.judge(
        baseline,
        profile,
        model=baseline.model,
        deployed_model_id="1",
        begin=BEGIN,
        end=BEGIN + timedelta(days=7),
        earlier=earlier,
    )


class QuietWindows:
    """Windows without drift, of time blocks that the baseline's limits were not made of.

    The baseline has every other block of the given days. A window is one whole other block, or
    as many as its rows fill, drawn for each; its rows are drawn from theirs, each at most
    once. Only a window larger than all its block's rows, where `repeated`, has rows repeatedly.
    """

    def __init__(self, sample, days):
        numbers = blocks.of_days(sample.times, days)
        fitted = (numbers >= 0) & (numbers % 2 == 0)
        self.baseline = sample.baseline(np.flatnonzero(fitted))
        self.blocks = [np.flatnonzero(numbers == odd) for odd in range(1, numbers.max() + 1, 2)]
        self.rows = RowCounter(sample, self.baseline)

    def profiles(self, size, count, repeated=False, seed=1):
        random = np.random.default_rng(seed)
        for _ in range(count):
            order = random.permutation(len(self.blocks))
            if repeated:
                places = self.blocks[order[0]]
                chances = np.full(places.size, 1 / places.size)
                yield self.rows.profile(places, random.multinomial(size, chances))
            else:
                places = self.places(order, size)
                yield self.rows.profile(random.choice(places, size, replace=False))

    def places(self, order, size):
        sizes = np.cumsum([self.blocks[place].size for place in order])
        needed = np.searchsorted(sizes, size) + 1
        return np.concatenate([self.blocks[place] for place in order[:needed]])

    def kinds(self, profiles, scale=1.0):
        """How often each kind of verdict comes, with all limits multiplied by `scale`."""
        baseline = replace(self.baseline, scale=scale)
        return Counter(verdict(baseline, profile).kind for profile in profiles)


def with_column(rows, name, array):
    place = rows.column_names.index(name)
    return rows.set_column(place, name, array)


def scaled(rows, name, factor):
    numbers = rows[name].to_numpy()
    return with_column(rows, name, pa.array(numbers * factor, from_pandas=True))


def without_values(rows, name, share, random):
    """Some of the column's values replaced by none."""
    gone = pa.array(random.random(rows.num_rows) < share)
    none = pa.scalar(None, rows[name].type)
    return with_column(rows, name, pc.if_else(gone, none, rows[name]))


def moved(rows, name, value, share, random):
    """A share of all rows gets the value that other rows have."""
    others = pc.fill_null(pc.not_equal(rows[name], value), True)
    places = np.flatnonzero(others.to_numpy())
    chosen = random.choice(places, int(share * rows.num_rows), replace=False)
    is_chosen = np.zeros(rows.num_rows, dtype=bool)
    is_chosen[chosen] = True
    return with_column(rows, name, pc.if_else(pa.array(is_chosen), value, rows[name]))
