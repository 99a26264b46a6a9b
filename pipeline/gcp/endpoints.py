"""A model's endpoint on Vertex AI.

It knows what is deployed to it, who has the traffic, and what is measured there.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.gcp import protocols
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

    @property
    def serving(self) -> Serving:
        return self.stage.settings.serving

    @property
    def subject(self) -> str:
        return f"the endpoint {self.resource.name} ({self.resource.display_name})"

    def deployed(self) -> dict[str, str]:
        """Map each registry version to its deployed model's id, the newest deployed last."""
        with self.stage.asking(self.subject):
            models = patiently(self.resource.list_models)

        def creation_seconds(model: protocols.DeployedModel) -> float:
            return model.create_time.timestamp() if model.create_time else 0

        by_age = sorted(models, key=creation_seconds)
        return {model.model_version_id: model.id for model in by_age}

    def shares(self) -> dict[str, int]:
        """Map the ids of the deployed models with traffic to their percent."""
        with self.stage.asking(self.subject):
            split = patiently(lambda: self.resource.traffic_split)
        return {id_: percent for id_, percent in split.items() if percent}

    def split(self, shares: dict[str, int]) -> None:
        no_shares = dict.fromkeys(self.deployed().values(), 0)
        with self.stage.asking(self.subject):
            patiently(lambda: self.resource.update(traffic_split=no_shares | shares))

    def undeploy(self, id_: str) -> None:
        """Take a deployed model off its machines.

        Nothing happens where it is not there any more.
        """

        def attempt() -> None:
            deployed_ids = {model.id for model in self.resource.list_models()}
            if id_ in deployed_ids:
                self.resource.undeploy(id_)

        if id_ in self.deployed().values():
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
        return Endpoint(stage, model, patiently(lambda: stage.vertex.Endpoint(id_)))


def measured(
    endpoint: Endpoint, id_: str, began: datetime, metric: str, aligner: str
) -> list[float]:
    """Return Cloud Monitoring's points of a deployed model since `began`.

    There are none where nobody asked it.
    """
    stage, end = endpoint.stage, datetime.now(UTC)
    seconds = max(60, math.ceil((end - began).total_seconds()))
    conditions = (
        f'metric.type="{METRICS}/{metric}"',
        'resource.type="aiplatform.googleapis.com/Endpoint"',
        f'resource.labels.endpoint_id="{endpoint.resource.name}"',
        f'metric.labels.deployed_model_id="{id_}"',
    )
    parameters = {
        "filter": " AND ".join(conditions),
        "interval.startTime": began.isoformat(),
        "interval.endTime": end.isoformat(),
        "aggregation.alignmentPeriod": f"{seconds}s",
        "aggregation.perSeriesAligner": aligner,
    }
    with stage.asking("Cloud Monitoring"):
        path = f"v3/projects/{stage.project}/timeSeries"
        document = stage.monitoring.get(path, params=parameters).json()
    all_series = document.get("timeSeries", [])
    values = [point["value"] for series in all_series for point in series["points"]]
    return [_number(value) for value in values]


def _number(value: dict[str, Any]) -> float:
    """Return a point's value, a TypedValue of Cloud Monitoring's."""
    number = value.get("doubleValue", value.get("int64Value", 0))
    return float(number)
