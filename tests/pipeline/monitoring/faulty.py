"""Windows of a sample's rows with a fault in them, and what a verdict names of it."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.baseline import counting
from tests.pipeline.monitoring.windows import verdict

SIZE = 5000


def drawn(sample, seed, size=SIZE):
    """Rows of the sample without any fault."""
    random = np.random.default_rng(seed)
    places = random.choice(sample.rows.num_rows, size, replace=False)
    return sample.rows.take(places)


def counted(baseline, rows, instances_per_request=1):
    scores = np.full(rows.num_rows, 0.5)
    return counting.profile(baseline, rows, scores, instances_per_request)


def findings(sample, baseline, change, seed=1, size=SIZE):
    """Of a window whose rows `change` has broken."""
    rows = change(drawn(sample, seed, size))
    judged = verdict(baseline, counted(baseline, rows))
    return judged.findings


def names(sample, baseline, change, seeds=(1, 2), size=SIZE):
    """What is named in some windows; one name says that all windows told it, and nothing else."""
    told = set()
    for seed in seeds:
        window_findings = findings(sample, baseline, change, seed, size)
        parts = [f"{finding.name} {' '.join(finding.columns)}" for finding in window_findings]
        told.add("; ".join(parts))
    return told


def with_column(rows, name, values):
    place = rows.column_names.index(name)
    array = pa.array(values, from_pandas=True) if isinstance(values, np.ndarray) else values
    return rows.set_column(place, name, array)


def numbers(rows, name):
    return rows[name].to_numpy().astype(np.float64)


def multiplied(name, factor, digits=None):
    def change(rows):
        products = numbers(rows, name) * factor
        rounded = products if digits is None else np.round(products, digits)
        return with_column(rows, name, rounded)

    return change


def rounded(name, digits):
    return multiplied(name, 1, digits)


def replaced(name, value, share=1.0):
    """The same value in a share of the rows."""

    def change(rows):
        random = np.random.default_rng(5)
        places = pa.array(random.random(rows.num_rows) < share)
        scalar = pa.scalar(value, rows[name].type)
        return with_column(rows, name, pc.if_else(places, scalar, rows[name]))

    return change


def repeated(name):
    """The first row's value in all of them."""

    def change(rows):
        return replaced(name, rows[name][0].as_py())(rows)

    return change


def averaged(name, share=1.0):
    """The mean in place of values."""

    def change(rows):
        rows_of_floats = with_column(rows, name, numbers(rows, name))
        return replaced(name, np.nanmean(numbers(rows, name)), share)(rows_of_floats)

    return change


def filled(name, value):
    def change(rows):
        return with_column(rows, name, pc.fill_null(rows[name], value))

    return change


def without(columns, share):
    """No value in the same share of the rows, in each of the columns."""

    def change(rows):
        for name in columns:
            rows = replaced(name, None, share)(rows)
        return rows

    return change


def dropped(name):
    def change(rows):
        return rows.drop_columns([name])

    return change


def shuffled(name):
    def change(rows):
        order = np.random.default_rng(5).permutation(rows.num_rows)
        return with_column(rows, name, rows[name].take(order))

    return change


def exchanged(left, right):
    def change(rows):
        return with_column(with_column(rows, left, rows[right]), right, rows[left])

    return change


def respelt(name, spell, value=None):
    """Values by `spell`, or one alone of them."""

    def change(rows):
        texts = rows[name].to_pylist()
        spelt = [spell(text) if text and value in (None, text) else text for text in texts]
        return with_column(rows, name, pa.array(spelt, pa.string()))

    return change


def as_text(name):
    def change(rows):
        return with_column(rows, name, rows[name].cast(pa.string()))

    return change
