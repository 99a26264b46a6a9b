"""The report's table of the raw columns, from the statistics of the train split."""

from typing import Any

from tfx.components.statistics_gen import stats_artifact_utils
from tfx.types import artifact_utils

from pipeline.reports import charts
from pipeline.reports.run_metadata import RunMetadata

WORD_BARS = 20  # the most frequent words that a column's histogram shows


def column_statistics(metadata: RunMetadata) -> list[dict[str, Any]]:
    """One row for each raw column of the train split."""
    statistics = metadata.files("StatisticsGen", "statistics")
    if statistics is None:
        return []
    splits = artifact_utils.decode_split_names(statistics.split_names)
    split = "train" if "train" in splits else splits[0]
    proto = stats_artifact_utils.load_statistics(statistics, split).proto()
    features = sorted(proto.datasets[0].features, key=_name)
    return [_statistics_row(feature) for feature in features]


def _name(feature: Any) -> str:
    return feature.name or ".".join(feature.path.step)


def _statistics_row(feature: Any) -> dict[str, Any]:
    numeric = feature.WhichOneof("stats") == "num_stats"
    stats = feature.num_stats if numeric else feature.string_stats
    row = {
        "name": _name(feature),
        "missing": _missing_share(stats.common_stats),
        "numeric": numeric,
    }
    values = _number_statistics(stats) if numeric else _word_statistics(stats)
    return row | values


def _missing_share(stats: Any) -> float:
    rows = stats.num_non_missing + stats.num_missing
    if not rows:
        return 0.0
    missing_rows = stats.num_missing
    if stats.max_num_values <= 1:
        missing_rows = rows - stats.tot_num_values  # an empty list is missing, too
    share: float = missing_rows / rows
    return share


def _number_statistics(stats: Any) -> dict[str, Any]:
    histograms = [h for h in stats.histograms if h.type == h.STANDARD]
    buckets = histograms[0].buckets if histograms else []
    counts = [bucket.sample_count for bucket in buckets]
    return {
        "low": stats.min,
        "middle": stats.median,
        "high": stats.max,
        "mean": stats.mean,
        "bars": charts.histogram_bars(counts),
    }


def _word_statistics(stats: Any) -> dict[str, Any]:
    first_buckets = stats.rank_histogram.buckets[:WORD_BARS]
    counts = [bucket.sample_count for bucket in first_buckets]
    top = ", ".join(word.value for word in stats.top_values[:3])
    return {"unique": stats.unique, "top": top, "bars": charts.histogram_bars(counts)}
