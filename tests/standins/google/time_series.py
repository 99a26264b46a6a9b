"""Cloud Monitoring's time series: a test's measurements, picked by a filter.

What an aligner takes is by
https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies#Aligner.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from tests.standins.google.error import RefusedError
from tests.standins.google.intervals import NONE, Interval, alignment, interval, periods
from tests.standins.google.listing import clauses, page
from tests.standins.google.store import Body, Call, Store

# the resource that Vertex' online predictions are measured on
ENDPOINT = "aiplatform.googleapis.com/Endpoint"
# its labels; all others are the metric's
OF_RESOURCE = {"resource_container", "location", "endpoint_id"}
FILTER_NAMES = r"(metric|resource)\.(type|labels\.\w+)"
ONLINE = "aiplatform.googleapis.com/prediction/online"
# Vertex' metrics (https://cloud.google.com/monitoring/api/metrics_gcp_a_b#gcp-aiplatform); any
# other is a gauge of numbers here
KINDS = {
    f"{ONLINE}/prediction_count": ("DELTA", "INT64"),
    f"{ONLINE}/error_count": ("DELTA", "INT64"),
    f"{ONLINE}/response_count": ("DELTA", "INT64"),
    f"{ONLINE}/prediction_latencies": ("DELTA", "DISTRIBUTION"),
}

# and their labels. response_count is of requests, prediction_count of instances: "If you have more
# than one instance per request, each instance is counted"
# (https://docs.cloud.google.com/vertex-ai/docs/general/monitoring-metrics). Of error_count no
# document says which.
OF_ALL = {"deployed_model_id", "spot", "model_display_name", "endpoint_display_name"}
OWN = {"response_count": {"response_code"}, "prediction_latencies": {"latency_type"}}
CODES = {"1xx", "2xx", "3xx", "4xx", "5xx"}


class Series(NamedTuple):
    metric_type: str
    resource_type: str
    labels: tuple[tuple[str, str], ...]

    def fields(self) -> dict[str, str]:
        """The fields for a filter, by the filter's names."""
        labels = {f"{owner_of(name)}.labels.{name}": value for name, value in self.labels}
        return {"metric.type": self.metric_type, "resource.type": self.resource_type, **labels}

    def labels_of(self, owner: str) -> dict[str, str]:
        return {name: value for name, value in self.labels if owner_of(name) == owner}


def owner_of(label: str) -> str:
    return "resource" if label in OF_RESOURCE else "metric"


def measure(
    store: Store,
    metric_type: str,
    value: float,
    at: datetime | None,
    resource_type: str,
    labels: dict[str, str],
) -> None:
    endpoint_labels = place(store, labels.get("deployed_model_id", ""))
    all_labels = {**endpoint_labels, **labels}
    sorted_labels = tuple(sorted(all_labels.items()))
    series = Series(metric_type, resource_type, sorted_labels)
    metric_labels = series.labels_of("metric")
    if problem := _problem(metric_type, metric_labels):
        raise ValueError(problem)
    if metric_type == f"{ONLINE}/response_count" and "response_code" not in labels:
        raise ValueError(f"{metric_type} has a series for each response_code, and none without")
    if at:
        store.points[series].append((at, value))
    else:
        store.measured[series] = value


def _problem(metric_type: str, labels: dict[str, str]) -> str | None:
    """What Vertex has no series of; Google would answer nothing, and no test would notice."""
    if metric_type not in KINDS:
        return None
    _, _, name = metric_type.rpartition("/")
    known_labels = OF_ALL | OWN.get(name, set())
    if other_labels := sorted(set(labels) - known_labels):
        return f"{metric_type} has no label {other_labels[0]}, it has {sorted(known_labels)}"
    code = labels.get("response_code", "2xx")
    return None if code in CODES else f"{metric_type} has no code {code}, it has {sorted(CODES)}"


def place(store: Store, deployed_model_id: str) -> dict[str, str]:
    """The labels of this deployed model's endpoint, if it is on one."""
    for key, body in store.objects.items():
        if key.collection != "endpoints":
            continue
        ids = [model["id"] for model in body.get("deployedModels", [])]
        if deployed_model_id in ids:
            _, _, _, location, _, endpoint_id = key.name.split("/")
            return {"location": location, "endpoint_id": endpoint_id}
    return {}


def listing(store: Store, call: Call) -> Body:
    """Each series with its points in the interval.

    A value without a time is one point over the whole interval, of any length, and alignment
    changes its kind alone: what is measured is what a test says comes out of it. Points with times
    are added up by the period of the alignment, the newest first.
    """
    filters = clauses(call.query.get("filter", ""), FILTER_NAMES)
    names = [name for name, _ in filters]
    if names.count("metric.type") != 1:
        raise RefusedError(400, 'the filter must name one metric: metric.type="..."')
    if call.query.get("aggregation.crossSeriesReducer", "REDUCE_NONE") != "REDUCE_NONE":
        raise RefusedError(501, "the stand-in reduces no series to one")
    metric_type = dict(filters)["metric.type"]
    if problem := _problem(metric_type, _metric_labels(filters)):
        raise RefusedError(400, problem)
    times = interval(call.query)
    kind = alignment(call.query, *KINDS.get(metric_type, ("GAUGE", "DOUBLE")))
    matches = []
    for series in (*store.measured, *store.points):
        if set(filters) <= series.fields().items():
            if series in store.points:
                points = list(_timed(store.points[series], call))
            else:
                points = [(times, store.measured[series])]
            if points:
                matches.append(described(series, points, kind))
    if not matches:
        return {}
    return page("timeSeries", matches, call.query)


def _metric_labels(filters: list[tuple[str, str]]) -> dict[str, str]:
    prefix = "metric.labels."
    return {name.removeprefix(prefix): value for name, value in filters if name.startswith(prefix)}


def _timed(points: list[tuple[datetime, float]], call: Call) -> Iterator[tuple[Interval, float]]:
    """The sums of the points in each period that has one, a period's begin left out."""
    aligner = call.query.get("aggregation.perSeriesAligner", NONE)
    if aligner not in ("ALIGN_DELTA", "ALIGN_SUM"):
        raise RefusedError(501, f"the stand-in adds up points with times, and got {aligner}")
    for begin, end in periods(call.query):
        values = [value for at, value in points if begin < at <= end]
        if values:
            yield {"startTime": begin.isoformat(), "endTime": end.isoformat()}, sum(values)


def described(series: Series, points: list[tuple[Interval, float]], kind: str) -> Body:
    typed_values = [_typed(value) for _, value in points]
    value_type, _ = typed_values[0]
    return {
        "metric": {"type": series.metric_type, "labels": series.labels_of("metric")},
        "resource": {"type": series.resource_type, "labels": series.labels_of("resource")},
        "metricKind": kind,
        "valueType": value_type,
        "points": [
            {"interval": times, "value": typed_value}
            for (times, _), (_, typed_value) in zip(points, typed_values, strict=True)
        ],
    }


def _typed(value: float) -> tuple[str, Body]:
    """A whole number is an INT64, in text as Google writes it; any other a DOUBLE."""
    if isinstance(value, int):
        return "INT64", {"int64Value": str(value)}
    return "DOUBLE", {"doubleValue": value}
