"""Cloud Monitoring's time series: a test's measurements, picked by a filter.

What an aligner takes is by
https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies#Aligner.
"""

from typing import NamedTuple

from tests.standins.google.error import RefusedError
from tests.standins.google.intervals import alignment, interval
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
    f"{ONLINE}/prediction_latencies": ("DELTA", "DISTRIBUTION"),
}


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
    store: Store, metric_type: str, value: float, resource_type: str, labels: dict[str, str]
) -> None:
    endpoint_labels = place(store, labels.get("deployed_model_id", ""))
    all_labels = {**endpoint_labels, **labels}
    sorted_labels = tuple(sorted(all_labels.items()))
    series = Series(metric_type, resource_type, sorted_labels)
    store.measured[series] = value


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
    """Each series with one point: its value over the whole interval, of any length.

    Alignment changes the kind alone: what is measured is what a test says comes out of it.
    """
    filters = clauses(call.query.get("filter", ""), FILTER_NAMES)
    names = [name for name, _ in filters]
    if names.count("metric.type") != 1:
        raise RefusedError(400, 'the filter must name one metric: metric.type="..."')
    times = interval(call.query)
    metric_type = dict(filters)["metric.type"]
    kind = alignment(call.query, *KINDS.get(metric_type, ("GAUGE", "DOUBLE")))
    fields = set(filters)
    matches = []
    for series, value in store.measured.items():
        if fields <= series.fields().items():
            matches.append(described(series, value, kind, times))
    if not matches:
        return {}
    return page("timeSeries", matches, call.query)


def described(series: Series, value: float, kind: str, times: dict[str, str]) -> Body:
    """A whole number is an INT64, in text as Google writes it; any other a DOUBLE."""
    if isinstance(value, int):
        value_type, typed_value = "INT64", {"int64Value": str(value)}
    else:
        value_type, typed_value = "DOUBLE", {"doubleValue": value}
    return {
        "metric": {"type": series.metric_type, "labels": series.labels_of("metric")},
        "resource": {"type": series.resource_type, "labels": series.labels_of("resource")},
        "metricKind": kind,
        "valueType": value_type,
        "points": [{"interval": times, "value": typed_value}],
    }
