"""The report of a run: one self-contained page, for looking rather than reading."""

import json
import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx.utils import io_utils

from pipeline.components.example_validator import anomalies
from pipeline.reports import charts, templates
from pipeline.reports.columns import column_statistics
from pipeline.reports.curves import ROC, WHOLE, Curves, whole_plots
from pipeline.reports.evaluation import evaluation_result
from pipeline.reports.run_metadata import RunMetadata
from pipeline.serving import client

COLUMN, ROW, BOX_WIDTH, BOX_HEIGHT = 158, 62, 134, 44  # of the DAG's drawing, in pixels
BINS = 20


def render(metadata: RunMetadata, summary: dict[str, Any], curves: Curves) -> str:
    """The page as HTML, of a failed or interrupted run too.

    What is not there is left out.
    """
    environment = templates.environment(Path(__file__).parent)
    environment.filters |= {"shell": shlex.quote, "repr": repr}
    plots = _plots(whole_plots(evaluation_result(metadata)), curves, summary["metrics"].get("auc"))
    template = environment.get_template("report.html.jinja")
    page: str = template.render(
        summary=summary,
        dag=_dag(summary["nodes"]),
        anomalies=_anomalies(metadata),
        statistics=column_statistics(metadata),
        curves=_curves(curves),
        plots=plots,
        interval=_interval(summary["newer_rows"]),
        window_sentence=window_sentence,
        question=question(metadata),
        client=Path(client.__file__).read_text(encoding="utf-8"),
    )
    return page


def window_sentence(window: dict[str, Any]) -> str:
    """Which rows a run took, and when the first and the last of them happened."""
    days = "all rows"
    if window["begin"]:
        days = f"from {window['begin']} to {window['end']}"
    if window["first"] is None:
        return days
    return f"{days}, the first of {window['first']}, the last of {window['last']}"


def _interval(newer_rows: dict[str, Any] | None) -> str | None:
    """The picture of the change on newer rows, where there is a figure."""
    if newer_rows is None or newer_rows["change"] is None:
        return None
    title = f"Change of {newer_rows['metric']} on {newer_rows['rows']:,} newer rows"
    return charts.interval(title, newer_rows["change"], newer_rows["low"], newer_rows["high"])


def question(metadata: RunMetadata) -> str | None:
    """A request to the model as JSON, from its sample; None without a model."""
    place = "Format-Serving/assets.extra/sample.json"
    model = metadata.files("Trainer", "model", place)
    if model is None:
        return None
    with tf.io.gfile.GFile(f"{model.uri}/{place}") as file:
        sample = json.load(file)
    return json.dumps({"instances": [sample]})


def _dag(nodes: list[charts.Node]) -> dict[str, Any]:
    """Boxes and lines with their places."""
    columns = charts.layers(nodes)
    tallest = max(map(len, columns), default=0)
    places = _places(columns, tallest)
    boxes = []
    for node in nodes:
        x, y = places[node["id"]]
        boxes.append({**node, "x": x, "y": y})
    edges = []
    for source, target in charts.direct_edges(nodes):
        x1, y1 = places[source]
        x2, y2 = places[target]
        middle = BOX_HEIGHT / 2
        edges.append((x1 + BOX_WIDTH, y1 + middle, x2, y2 + middle))
    width = 16 + len(columns) * COLUMN
    height = 16 + tallest * ROW
    box = (BOX_WIDTH, BOX_HEIGHT)
    return {"width": width, "height": height, "box": box, "boxes": boxes, "edges": edges}


def _places(columns: list[list[charts.Node]], tallest: int) -> dict[str, tuple[float, float]]:
    """Each node's x and y, its column in the middle of the drawing's height."""
    places: dict[str, tuple[float, float]] = {}
    for i, column in enumerate(columns):
        x = 8 + i * COLUMN
        offset = (tallest - len(column)) / 2
        for j, node in enumerate(column):
            y = 8 + (j + offset) * ROW
            places[node["id"]] = (x, y)
    return places


def _anomalies(metadata: RunMetadata) -> list[str] | None:
    """The statistics' anomalies, judged again; None without statistics.

    A validator that stops the run leaves no artifact.
    """
    statistics = metadata.files("StatisticsGen", "statistics")
    schema = metadata.files("ImportSchemaGen", "schema")
    if statistics is None or schema is None:
        return None
    schema_file = io_utils.get_only_uri_in_dir(schema.uri)
    schema_proto = io_utils.SchemaReader().read(schema_file)
    return anomalies(statistics, schema_proto)


def _curves(curves: Curves) -> list[str]:
    """One picture for each metric of the training."""
    pictures = []
    for metric, series in sorted(curves.items()):
        training = {name: points for name, points in series.items() if name != WHOLE}
        if training:
            pictures.append(charts.curve(metric, training))
    return pictures


def _plots(plots: dict[str, Any], curves: Curves, area: float | None) -> list[str]:
    """ROC and calibration of the whole held-out split, as TFMA's plots hold them."""
    pictures = []
    if points := curves.get(ROC, {}).get(WHOLE):
        pictures.append(charts.roc(points, area))
    buckets = plots.get("calibrationHistogramBuckets", {}).get("buckets")
    if buckets:
        bins = _calibration_bins(buckets)
        mean_scores = [score_bin.scores / score_bin.rows for score_bin in bins]
        shares = [score_bin.labels / score_bin.rows for score_bin in bins]
        weights = [score_bin.rows for score_bin in bins]
        pictures.append(charts.calibration(mean_scores, shares, weights))
    return pictures


@dataclass
class _Bin:
    """Sums over the rows whose scores are alike."""

    scores: float = 0.0
    labels: float = 0.0
    rows: float = 0.0


def _calibration_bins(buckets: list[dict[str, Any]]) -> list[_Bin]:
    """TFMA's thousand buckets in at most BINS bins by score, each with rows."""
    bins = [_Bin() for _ in range(BINS)]
    for bucket in buckets:
        rows = float(bucket.get("numWeightedExamples", 0.0))
        if rows and math.isfinite(rows):
            score_sum = float(bucket["totalWeightedRefinedPrediction"])
            score = score_sum / rows
            number = min(int(score * BINS), BINS - 1)
            score_bin = bins[number]
            score_bin.scores += score * rows
            score_bin.labels += float(bucket["totalWeightedLabel"])
            score_bin.rows += rows
    return [score_bin for score_bin in bins if score_bin.rows]
