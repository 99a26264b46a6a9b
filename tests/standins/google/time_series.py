"""Cloud Monitoring's time series: a test's measurements, picked by a filter."""

import re
from typing import NamedTuple

from tests.standins.google.error import RefusedError
from tests.standins.google.listing import clauses, page
from tests.standins.google.store import Body, Call, Store

# the resource that Vertex' online predictions are measured on
ENDPOINT = "aiplatform.googleapis.com/Endpoint"
# its labels; all others are the metric's
OF_RESOURCE = {"resource_container", "location", "endpoint_id"}
FILTER_NAMES = r"(metric|resource)\.(type|labels\.\w+)"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


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

    Alignment and reduction change nothing.
    """
    filters = clauses(call.query.get("filter", ""), FILTER_NAMES)
    names = [name for name, _ in filters]
    if names.count("metric.type") != 1:
        raise RefusedError(400, 'the filter must name one metric: metric.type="..."')
    interval = {name: call.query.get(f"interval.{name}", "") for name in ("startTime", "endTime")}
    if not all(map(TIME.fullmatch, interval.values())):
        raise RefusedError(
            400, f"interval must have a startTime and an endTime of RFC 3339, got {interval}"
        )
    fields = set(filters)
    matches = []
    for series, value in store.measured.items():
        if fields <= series.fields().items():
            matches.append(described(series, value, interval))
    if not matches:
        return {}
    return page("timeSeries", matches, call.query)


def described(series: Series, value: float, interval: dict[str, str]) -> Body:
    """A whole number is an INT64, in text as Google writes it; any other a DOUBLE."""
    if isinstance(value, int):
        value_type, typed_value = "INT64", {"int64Value": str(value)}
    else:
        value_type, typed_value = "DOUBLE", {"doubleValue": value}
    return {
        "metric": {"type": series.metric_type, "labels": series.labels_of("metric")},
        "resource": {"type": series.resource_type, "labels": series.labels_of("resource")},
        "metricKind": "GAUGE",
        "valueType": value_type,
        "points": [{"interval": interval, "value": typed_value}],
    }
