"""The report of a run: one self-contained page, for looking rather than reading."""

import math
from pathlib import Path
from typing import Any

import jinja2
import tensorflow as tf
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.types import artifact_utils
from tfx.utils import io_utils

from pipeline.components.example_validator import anomalies
from pipeline.reports import charts
from pipeline.reports.run_record import RunRecord
from pipeline.reports.summary import evaluation_result

COLUMN, ROW, BOX = 158, 62, (134, 44)  # of the DAG's drawing, in pixels
BINS = 20


def render(record: RunRecord, summary: dict[str, Any]) -> str:
    """The page as HTML, of a failed or interrupted run too.

    What is not there is left out.
    """
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    result = evaluation_result(record)
    page: str = environment.get_template("report.html.jinja").render(
        summary=summary,
        dag=_dag(summary["nodes"]),
        anomalies=_anomalies(record),
        statistics=_statistics(record),
        curves=_curves(record),
        plots=_plots(result, summary["metrics"].get("auc")) if result else [],
    )
    return page


def _dag(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    """Boxes and lines with their places."""
    places: dict[str, tuple[float, float]] = {}
    columns = charts.layers(nodes)
    tallest = max(map(len, columns), default=0)
    for i, column in enumerate(columns):
        offset = (tallest - len(column)) / 2
        for j, node in enumerate(column):
            places[node["id"]] = (8 + i * COLUMN, 8 + (j + offset) * ROW)
    boxes = []
    for node in nodes:
        x, y = places[node["id"]]
        boxes.append({**node, "x": x, "y": y})
    edges = []
    for source, target in charts.direct_edges(nodes):
        (x1, y1), (x2, y2) = places[source], places[target]
        edges.append((x1 + BOX[0], y1 + BOX[1] / 2, x2, y2 + BOX[1] / 2))
    return {
        "width": 16 + len(columns) * COLUMN,
        "height": 16 + tallest * ROW,
        "box": BOX,
        "boxes": boxes,
        "edges": edges,
    }


def _anomalies(record: RunRecord) -> list[str] | None:
    """The statistics' anomalies, judged again; None without statistics.

    A validator that stops the run leaves no artifact.
    """
    statistics = record.artifact("StatisticsGen", "statistics")
    schema = record.artifact("ImportSchemaGen", "schema")
    if statistics is None or schema is None:
        return None
    file = io_utils.get_only_uri_in_dir(schema.uri)
    return anomalies(statistics, io_utils.SchemaReader().read(file))


def _statistics(record: RunRecord) -> list[dict[str, Any]]:
    """A row a raw column of the train split."""
    statistics = record.artifact("StatisticsGen", "statistics")
    if statistics is None:
        return []
    splits = artifact_utils.decode_split_names(statistics.split_names)
    split = "train" if "train" in splits else splits[0]
    proto = stats_artifact_utils.load_statistics(statistics, split).proto()
    features = sorted(proto.datasets[0].features, key=lambda f: _name(f))
    return [_statistics_row(feature) for feature in features]


def _name(feature: Any) -> str:
    return feature.name or ".".join(feature.path.step)


def _statistics_row(feature: Any) -> dict[str, Any]:
    numeric = feature.WhichOneof("stats") == "num_stats"
    stats = feature.num_stats if numeric else feature.string_stats
    common = stats.common_stats
    rows = common.num_non_missing + common.num_missing
    missing_rows = common.num_missing
    if common.max_num_values <= 1:
        missing_rows = rows - common.tot_num_values  # an empty list is missing, too
    row: dict[str, Any] = {
        "name": _name(feature),
        "missing": missing_rows / rows if rows else 0.0,
        "numeric": numeric,
    }
    if numeric:
        histogram = next((h for h in stats.histograms if h.type == h.STANDARD), None)
        buckets = histogram.buckets if histogram else []
        counts = [b.sample_count for b in buckets]
        return row | {
            "low": stats.min,
            "middle": stats.median,
            "high": stats.max,
            "mean": stats.mean,
            "bars": charts.histogram_bars(counts),
        }
    counts = [b.sample_count for b in stats.rank_histogram.buckets][:BINS]
    top = ", ".join(v.value for v in stats.top_values[:3])
    return row | {"unique": stats.unique, "top": top, "bars": charts.histogram_bars(counts)}


def _curves(record: RunRecord) -> list[str]:
    """A picture a metric from the training's TensorBoard events."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = record.artifact("Trainer", "model_run")
    series: dict[str, dict[str, list[float]]] = {}
    for name in ("train", "validation"):
        folders = tf.io.gfile.glob(f"{run.uri}/{name}") if run else []
        folder = next(iter(folders), None)
        if folder is None:
            continue
        events = EventAccumulator(folder).Reload()
        for tag in events.Tags()["tensors"]:
            if tag.startswith("epoch_") and "learning_rate" not in tag:
                values = [float(tf.make_ndarray(e.tensor_proto)) for e in events.Tensors(tag)]
                series.setdefault(tag.removeprefix("epoch_"), {})[name] = values
    return [charts.curve(metric, by_name) for metric, by_name in sorted(series.items())]


def _plots(result: Any, area: float | None) -> list[str]:
    """ROC and calibration of the whole held-out split, as TFMA's plots hold them."""
    pictures = []
    for key, outputs in result.plots:
        if key:
            continue
        plots = {
            name: plot
            for subkeys in outputs.values()
            for by_name in subkeys.values()
            for name, plot in by_name.items()
        }
        if matrices := plots.get("confusionMatrixAtThresholds", {}).get("matrices"):
            rates = [m.get("falsePositiveRate", 0.0) for m in matrices]
            recalls = [m.get("recall", 0.0) for m in matrices]
            pictures.append(charts.roc(rates, recalls, area))
        if buckets := plots.get("calibrationHistogramBuckets", {}).get("buckets"):
            pictures.append(charts.calibration(*_calibration_bins(buckets)))
    return pictures


def _calibration_bins(
    buckets: list[dict[str, Any]],
) -> tuple[list[float], list[float], list[float]]:
    """TFMA's thousand buckets in BINS bins by score: mean score, share of positives, rows."""
    sums = [[0.0, 0.0, 0.0] for _ in range(BINS)]
    for bucket in buckets:
        rows = float(bucket.get("numWeightedExamples", 0.0))
        if rows and math.isfinite(rows):
            score = float(bucket["totalWeightedRefinedPrediction"]) / rows
            index = min(int(score * BINS), BINS - 1)
            for i, amount in enumerate((score * rows, float(bucket["totalWeightedLabel"]), rows)):
                sums[index][i] += amount
    bins = [(a / rows, b / rows, rows) for a, b, rows in sums if rows]
    return [f[0] for f in bins], [f[1] for f in bins], [f[2] for f in bins]
