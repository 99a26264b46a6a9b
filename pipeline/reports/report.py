"""The report of a run: one self-contained page for people who would rather look than read."""

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
    """The page as HTML, of a failed or interrupted run too: what is not there is left out."""
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
    places, columns = {}, charts.layers(nodes)
    tallest = max(map(len, columns), default=0)
    for x, column in enumerate(columns):
        for y, node in enumerate(column):
            places[node["id"]] = (8 + x * COLUMN, 8 + (y + (tallest - len(column)) / 2) * ROW)
    boxes = [{**node, "x": places[node["id"]][0], "y": places[node["id"]][1]} for node in nodes]
    lines = [(places[before], places[after]) for before, after in charts.direct_edges(nodes)]
    edges = [(a[0] + BOX[0], a[1] + BOX[1] / 2, b[0], b[1] + BOX[1] / 2) for a, b in lines]
    return {
        "width": 16 + len(columns) * COLUMN,
        "height": 16 + tallest * ROW,
        "box": BOX,
        "boxes": boxes,
        "edges": edges,
    }


def _anomalies(record: RunRecord) -> list[str] | None:
    """Judged again from the statistics: a validator that stops the run leaves no artifact. None where there are no statistics."""
    statistics, schema = (
        record.artifact("StatisticsGen", "statistics"),
        record.artifact("ImportSchemaGen", "schema"),
    )
    if statistics is None or schema is None:
        return None
    return anomalies(
        statistics, io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema.uri))
    )


def _statistics(record: RunRecord) -> list[dict[str, Any]]:
    """A row a raw column of the train split."""
    statistics = record.artifact("StatisticsGen", "statistics")
    if statistics is None:
        return []
    splits = artifact_utils.decode_split_names(statistics.split_names)
    loaded = stats_artifact_utils.load_statistics(
        statistics, "train" if "train" in splits else splits[0]
    ).proto()
    return [
        _statistics_row(feature)
        for feature in sorted(loaded.datasets[0].features, key=lambda f: _name(f))
    ]


def _name(feature: Any) -> str:
    return feature.name or ".".join(feature.path.step)


def _statistics_row(feature: Any) -> dict[str, Any]:
    numeric = feature.WhichOneof("stats") == "num_stats"
    stats = feature.num_stats if numeric else feature.string_stats
    common = stats.common_stats
    rows = common.num_non_missing + common.num_missing
    empty = (
        rows - common.tot_num_values if common.max_num_values <= 1 else common.num_missing
    )  # an empty list is missing too
    row: dict[str, Any] = {
        "name": _name(feature),
        "missing": empty / rows if rows else 0.0,
        "numeric": numeric,
    }
    if numeric:
        standard = next((h for h in stats.histograms if h.type == h.STANDARD), None)
        counts = [b.sample_count for b in standard.buckets] if standard else []
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
    """A picture a metric from the TensorBoard events that the training left."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = record.artifact("Trainer", "model_run")
    series: dict[str, dict[str, list[float]]] = {}
    for name in ("train", "validation"):
        folder = next((f for f in tf.io.gfile.glob(f"{run.uri}/{name}")), None) if run else None
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
    drawn = []
    for key, outputs in result.plots:
        plots = (
            {
                name: plot
                for subkeys in outputs.values()
                for by_name in subkeys.values()
                for name, plot in by_name.items()
            }
            if not key
            else {}
        )
        if matrices := plots.get("confusionMatrixAtThresholds", {}).get("matrices"):
            drawn.append(
                charts.roc(
                    [m.get("falsePositiveRate", 0.0) for m in matrices],
                    [m.get("recall", 0.0) for m in matrices],
                    area,
                )
            )
        if buckets := plots.get("calibrationHistogramBuckets", {}).get("buckets"):
            drawn.append(charts.calibration(*_calibration_bins(buckets)))
    return drawn


def _calibration_bins(
    buckets: list[dict[str, Any]],
) -> tuple[list[float], list[float], list[float]]:
    """TFMA's thousand buckets in BINS bins by score: mean score, share of positives, rows."""
    sums = [[0.0, 0.0, 0.0] for _ in range(BINS)]
    for bucket in buckets:
        rows = float(bucket.get("numWeightedExamples", 0.0))
        if rows and math.isfinite(rows):
            score = float(bucket["totalWeightedRefinedPrediction"]) / rows
            place = sums[min(int(score * BINS), BINS - 1)]
            for i, amount in enumerate((score * rows, float(bucket["totalWeightedLabel"]), rows)):
                place[i] += amount
    filled = [(a / rows, b / rows, rows) for a, b, rows in sums if rows]
    return [f[0] for f in filled], [f[1] for f in filled], [f[2] for f in filled]
