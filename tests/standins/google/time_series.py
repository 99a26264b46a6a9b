"""Cloud Monitoring's time series: a test's measurements, picked by a filter."""

import re
from typing import NamedTuple

from tests.standins.google.error import RefusedError
from tests.standins.google.listing import clauses, page
from tests.standins.google.store import Body, Call, Store

# the resource that Vertex' online predictions are measured on
ENDPOINT = "aiplatform.googleapis.com/Endpoint"
OF_RESOURCE = {
    "resource_container",
    "location",
    "endpoint_id",
}  # its labels; all others are the metric's
KNOWN = r"(metric|resource)\.(type|labels\.\w+)"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class Series(NamedTuple):
    metric_type: str
    resource_type: str
    labels: tuple[tuple[str, str], ...]

    def fields(self) -> dict[str, str]:
        """The fields for a filter, by the filter's names."""
        labels = {
            f"{'resource' if name in OF_RESOURCE else 'metric'}.labels.{name}": value
            for name, value in self.labels
        }
        return {"metric.type": self.metric_type, "resource.type": self.resource_type, **labels}

    def labels_of(self, owner: str) -> dict[str, str]:
        return {
            name: value
            for name, value in self.labels
            if (name in OF_RESOURCE) == (owner == "resource")
        }


def measure(
    store: Store, metric_type: str, value: float, resource_type: str, labels: dict[str, str]
) -> None:
    whole = {**place(store, labels.get("deployed_model_id", "")), **labels}
    store.measured[Series(metric_type, resource_type, tuple(sorted(whole.items())))] = value


def place(store: Store, deployed_model_id: str) -> dict[str, str]:
    """The labels of this deployed model's endpoint, if it is on one."""
    for key, body in store.objects.items():
        if key.collection == "endpoints" and any(
            model["id"] == deployed_model_id for model in body.get("deployedModels", [])
        ):
            _, _, _, location, _, endpoint_id = key.name.split("/")
            return {"location": location, "endpoint_id": endpoint_id}
    return {}


def listing(store: Store, call: Call) -> Body:
    """Each series with one point: its value over the whole interval, of any length.

    Alignment and reduction change nothing.
    """
    filters = clauses(call.query.get("filter", ""), KNOWN)
    if [name for name, _ in filters].count("metric.type") != 1:
        raise RefusedError(400, 'the filter must name one metric: metric.type="..."')
    interval = {name: call.query.get(f"interval.{name}", "") for name in ("startTime", "endTime")}
    if not all(TIME.fullmatch(time) for time in interval.values()):
        raise RefusedError(
            400, f"interval must have a startTime and an endTime of RFC 3339, got {interval}"
        )
    matches = [
        described(series, value, interval)
        for series, value in store.measured.items()
        if set(filters) <= series.fields().items()
    ]
    return page("timeSeries", matches, call.query) if matches else {}


def described(series: Series, value: float, interval: dict[str, str]) -> Body:
    """A whole number is an INT64, in text as Google writes it; any other a DOUBLE."""
    whole = isinstance(value, int)
    return {
        "metric": {"type": series.metric_type, "labels": series.labels_of("metric")},
        "resource": {"type": series.resource_type, "labels": series.labels_of("resource")},
        "metricKind": "GAUGE",
        "valueType": "INT64" if whole else "DOUBLE",
        "points": [
            {
                "interval": interval,
                "value": {"int64Value": str(value)} if whole else {"doubleValue": value},
            }
        ],
    }
