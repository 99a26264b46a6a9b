"""Statistics of rows, as a run leaves them."""

import pyarrow as pa
import pytest
from tensorflow_data_validation.statistics import stats_impl, stats_options


@pytest.fixture
def statistics(tmp_path):
    """Write the statistics of columns as an artifact of StatisticsGen has them."""

    def write(name, **columns):
        lists = {key: [[v] if v is not None else None for v in vs] for key, vs in columns.items()}
        batch = pa.RecordBatch.from_pydict(lists)
        proto = stats_impl.generate_statistics_in_memory(batch, stats_options.StatsOptions())
        folder = tmp_path / name / "Split-train"
        folder.mkdir(parents=True)
        (folder / "FeatureStats.pb").write_bytes(proto.SerializeToString())
        return tmp_path / name

    return write
