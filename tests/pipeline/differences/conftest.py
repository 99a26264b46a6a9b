"""Statistics of rows, as a run leaves them."""

import pyarrow as pa
import pytest
from tensorflow_data_validation.statistics import stats_impl, stats_options


def lists(values):
    """A column of at most one value a row, as examples have it; an array is one already."""
    if isinstance(values, pa.Array):
        return values
    return pa.array([None if value is None else [value] for value in values])


@pytest.fixture
def statistics(tmp_path):
    """Write the statistics of columns as an artifact of StatisticsGen has them."""

    def write(name, **columns):
        batch = pa.RecordBatch.from_pydict({key: lists(vs) for key, vs in columns.items()})
        proto = stats_impl.generate_statistics_in_memory(batch, stats_options.StatsOptions())
        folder = tmp_path / name / "Split-train"
        folder.mkdir(parents=True)
        (folder / "FeatureStats.pb").write_bytes(proto.SerializeToString())
        return tmp_path / name

    return write
