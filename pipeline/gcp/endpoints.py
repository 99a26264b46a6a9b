"""A model's endpoint on Vertex AI.

It knows what is deployed to it, who has the traffic, and what is measured there.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.errors import RunError
from pipeline.gcp import model_registry, protocols
from pipeline.gcp.clients import patiently
from pipeline.gcp.stage import Stage
from settings import Serving

METRICS = "aiplatform.googleapis.com/prediction/online"


@dataclass(frozen=True)
class Question:
    """What the smoke test asks: one instance, answered by each signature."""

    instance: dict[str, Any]
    signatures: tuple[str, ...]


class Endpoint:
    """A model's endpoint, its deployed models and its traffic."""

    def __init__(self, stage: Stage, model: str, resource: protocols.Endpoint) -> None:
        self.stage, self.model, self.resource = stage, model, resource
        self._digests: dict[str, str | None] = {}

    @property
    def serving(self) -> Serving:
        return self.stage.settings.serving

    @property
    def subject(self) -> str:
        return f"the endpoint {self.resource.name} ({self.resource.display_name})"

    def deployed(self) -> dict[str, str]:
        """Map each registry version to its newest deployed model's id, the newest last."""
        return {version: id_ for id_, version in self.versions().items()}

    def versions(self) -> dict[str, str]:
        """Map the id of each deployed model to its registry version, the newest deployed last.

        Two builds at once may have deployed one version twice.
        """
        with self.stage.asking(self.subject):
            models = patiently(self.resource.list_models)

        def creation_seconds(model: protocols.DeployedModel) -> float:
            return model.create_time.timestamp() if model.create_time else 0

        by_age = sorted(models, key=creation_seconds)
        return {model.id: model.model_version_id for model in by_age}

    def idlest_first(self) -> list[str]:
        """Return the ids of all deployed models in the order in which Vertex lets them go.

        That is without traffic first: the last one may take all of it along.
        """
        ids, shares = list(self.versions()), self.shares()
        return sorted(ids, key=lambda id_: shares.get(id_, 0))

    def shares(self) -> dict[str, int]:
        """Map the ids of the deployed models with traffic to their percent."""
        with self.stage.asking(self.subject):
            split = patiently(lambda: self.resource.traffic_split)
        return {id_: percent for id_, percent in split.items() if percent}

    def digest(self, version: str) -> str | None:
        """Return the digest of a version's files, None for one from before digests.

        It never changes, so that it is asked for once.
        """
        if version not in self._digests:
            with self.stage.asking(f"version {version} of {self.model}"):
                resource = patiently(
                    lambda: model_registry.registered(self.stage, self.model, version)
                )
            self._digests[version] = model_registry.digest(resource)
        return self._digests[version]

    def split(self, shares: dict[str, int]) -> None:
        no_shares = dict.fromkeys(self.versions(), 0)
        with self.stage.asking(self.subject):
            patiently(lambda: self.resource.update(traffic_split=no_shares | shares))

    def undeploy(self, id_: str) -> None:
        """Take a deployed model off its machines.

        Nothing happens where it is not there any more. Raises RunError where it has all the
        traffic and others are there to take it.
        """

        def attempt() -> None:
            deployed_ids = {model.id for model in self.resource.list_models()}
            if id_ not in deployed_ids:
                return
            try:
                self.resource.undeploy(id_)
            except ValueError as error:  # the client's, before it asks
                raise RunError(
                    f"{self.subject}: {id_} has all the traffic and does not go before the others"
                ) from error

        if id_ in self.versions():
            with self.stage.asking(self.subject):
                patiently(attempt)

    def ask(self, question: Question, signature: str) -> tuple[str, list[object]]:
        """Return the id of the answering deployed model, and its predictions."""
        with self.stage.asking(self.subject):
            answer = self.resource.predict([question.instance], parameters={"signature": signature})
        return answer.deployed_model_id, list(answer.predictions)


def endpoint_of(stage: Stage, model: str) -> Endpoint:
    """Return the model's endpoint.

    Raises RunError where Terraform has not made it yet.
    """
    id_ = stage.names.endpoint(model)
    with stage.asking(f"the endpoint {id_} of {model}"):
        endpoint = Endpoint(stage, model, patiently(lambda: stage.vertex.Endpoint(id_)))
        patiently(lambda: endpoint.subject)  # the client asks for the endpoint only now
        return endpoint


def measured(
    endpoint: Endpoint,
    id_: str,
    began: datetime,
    metric: str,
    aligner: str,
    *,
    ended: datetime | None = None,
    labels: Mapping[str, str] | None = None,
) -> list[float]:
    """Return Cloud Monitoring's points of a deployed model since `began`; none without requests.

    They end now, or at `ended`; `labels` are of the metric, and choose its series.
    """
    all_series = _series(endpoint, id_, began, metric, aligner, ended, labels or {})
    return [number for series in all_series for number in _numbers(series)]


def counts(endpoint: Endpoint, id_: str, began: datetime, metric: str, by: str) -> Counter[str]:
    """Return what a metric of a deployed model counts since `began`, by a label of the metric.

    One question answers for all values, so that they are of one moment.
    """
    all_series = _series(endpoint, id_, began, metric, "ALIGN_DELTA", None, {})
    totals: Counter[str] = Counter()
    for series in all_series:
        value = series["metric"]["labels"][by]
        numbers = _numbers(series)
        totals[value] += round(sum(numbers))
    return totals


def _series(
    endpoint: Endpoint,
    id_: str,
    began: datetime,
    metric: str,
    aligner: str,
    ended: datetime | None,
    labels: Mapping[str, str],
) -> list[dict[str, Any]]:
    stage, end = endpoint.stage, ended or datetime.now(UTC)
    seconds = max(60, math.ceil((end - began).total_seconds()))
    start = end - timedelta(seconds=seconds)
    conditions = (
        f'metric.type="{METRICS}/{metric}"',
        'resource.type="aiplatform.googleapis.com/Endpoint"',
        f'resource.labels.endpoint_id="{endpoint.resource.name}"',
        f'metric.labels.deployed_model_id="{id_}"',
        *(f'metric.labels.{name}="{value}"' for name, value in labels.items()),
    )
    parameters = {
        "filter": " AND ".join(conditions),
        "interval.startTime": _zulu(start),
        "interval.endTime": _zulu(end),
        "aggregation.alignmentPeriod": f"{seconds}s",
        "aggregation.perSeriesAligner": aligner,
        "view": "FULL",
    }
    path = f"v3/projects/{stage.project}/timeSeries"
    with stage.asking("Cloud Monitoring"):
        pages = patiently(lambda: list(stage.monitoring.pages(path, parameters)))
    return [series for page in pages for series in page.get("timeSeries", [])]


def _numbers(series: dict[str, Any]) -> list[float]:
    return [_number(point["value"]) for point in series["points"]]


def _zulu(time: datetime) -> str:
    """Return a time of UTC as RFC 3339 says it, in the form that Google itself answers."""
    return f"{time:%Y-%m-%dT%H:%M:%S.%f}Z"


def _number(value: dict[str, Any]) -> float:
    """Return a point's value, a TypedValue of Cloud Monitoring's."""
    number = value.get("doubleValue", value.get("int64Value", 0))
    return float(number)
