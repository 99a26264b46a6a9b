"""A model's endpoint on Vertex AI.

It knows what is deployed to it, who has the traffic, and what is measured there.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.gcp.clients import answered, asking, patiently, session, vertex
from settings import Settings

METRICS = "aiplatform.googleapis.com/prediction/online"


@dataclass(frozen=True)
class Question:
    """What the smoke test asks: one instance, answered by each signature."""

    instance: dict[str, Any]
    signatures: tuple[str, ...]


class Endpoint:
    """A model's endpoint, its deployed models and its traffic."""

    def __init__(self, settings: Settings, resource: Any) -> None:
        self.settings, self.resource = settings, resource

    @property
    def what(self) -> str:
        return f"the endpoint {self.resource.name} ({self.resource.display_name})"

    def deployed(self) -> dict[str, str]:
        """Map each registry version to its deployed model's id, the newest deployed last."""
        with asking(self.what, self.settings):
            models = patiently(self.resource.list_models)

        def creation_seconds(model: Any) -> float:
            return model.create_time.timestamp() if model.create_time else 0

        by_age = sorted(models, key=creation_seconds)
        return {model.model_version_id: model.id for model in by_age}

    def shares(self) -> dict[str, int]:
        """Map the ids of the deployed models with traffic to their percent."""
        with asking(self.what, self.settings):
            split = patiently(lambda: self.resource.traffic_split)
        return {id_: percent for id_, percent in split.items() if percent}

    def split(self, shares: dict[str, int]) -> None:
        no_shares = dict.fromkeys(self.deployed().values(), 0)
        with asking(self.what, self.settings):
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
            with asking(self.what, self.settings):
                patiently(attempt)

    def ask(self, question: Question, signature: str) -> tuple[str, list[Any]]:
        """Return the id of the answering deployed model, and its predictions."""
        with asking(self.what, self.settings):
            answer = self.resource.predict([question.instance], parameters={"signature": signature})
        return answer.deployed_model_id, list(answer.predictions)


def endpoint_of(settings: Settings, model: str) -> Endpoint:
    """Return the model's endpoint.

    Raises RunError where Terraform has not made it yet.
    """
    id_ = settings.names.endpoint(model)
    with asking(f"the endpoint {id_} of {model}", settings):
        aiplatform = vertex(settings.project_id, settings.region)
        return Endpoint(settings, patiently(lambda: aiplatform.Endpoint(id_)))


def measured(
    endpoint: Endpoint, id_: str, began: datetime, metric: str, aligner: str
) -> list[float]:
    """Return Cloud Monitoring's points of a deployed model since `began`.

    There are none where nobody asked it.
    """
    settings, end = endpoint.settings, datetime.now(UTC)
    seconds = max(60, math.ceil((end - began).total_seconds()))
    parameters = {
        "filter": f'metric.type="{METRICS}/{metric}"'
        ' AND resource.type="aiplatform.googleapis.com/Endpoint"'
        f' AND resource.labels.endpoint_id="{endpoint.resource.name}"'
        f' AND metric.labels.deployed_model_id="{id_}"',
        "interval.startTime": began.isoformat(),
        "interval.endTime": end.isoformat(),
        "aggregation.alignmentPeriod": f"{seconds}s",
        "aggregation.perSeriesAligner": aligner,
    }
    with asking("Cloud Monitoring", settings):
        http, base = session(
            "GOOGLE_MONITORING_CUSTOM_ENDPOINT", "https://monitoring.googleapis.com"
        )
        url = f"{base}/v3/projects/{settings.project_id}/timeSeries"
        document = answered(http.get(url, params=parameters, timeout=60)).json()
    all_series = document.get("timeSeries", [])
    values = [point["value"] for series in all_series for point in series["points"]]
    return [float(value.get("doubleValue", value.get("int64Value", 0))) for value in values]
