"""A model's endpoint on Vertex AI: what is deployed to it, who has the traffic, and what is measured there."""

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
    """A model's endpoint, and who answers on it."""

    def __init__(self, settings: Settings, resource: Any) -> None:
        self.settings, self.resource = settings, resource

    @property
    def what(self) -> str:
        return f"the endpoint {self.resource.name} ({self.resource.display_name})"

    def deployed(self) -> dict[str, str]:
        """Registry version -> deployed model's id, the newest deployed last."""
        with asking(self.what, self.settings):
            models = patiently(self.resource.list_models)
        return {
            model.model_version_id: model.id
            for model in sorted(
                models, key=lambda m: m.create_time.timestamp() if m.create_time else 0
            )
        }

    def shares(self) -> dict[str, int]:
        """Deployed model's id -> percent of the traffic, of those that have any."""
        with asking(self.what, self.settings):
            split = patiently(lambda: self.resource.traffic_split)
        return {id_: percent for id_, percent in split.items() if percent}

    def split(self, shares: dict[str, int]) -> None:
        rest = dict.fromkeys(self.deployed().values(), 0)
        with asking(self.what, self.settings):
            patiently(lambda: self.resource.update(traffic_split=rest | shares))

    def undeploy(self, id_: str) -> None:
        """Nothing happens where it is not there any more."""
        if id_ in self.deployed().values():
            with asking(self.what, self.settings):
                patiently(
                    lambda: (
                        self.resource.undeploy(id_)
                        if id_ in {m.id for m in self.resource.list_models()}
                        else None
                    )
                )

    def ask(self, question: Question, signature: str) -> tuple[str, list[Any]]:
        """Which deployed model answered, and what."""
        with asking(self.what, self.settings):
            answer = self.resource.predict([question.instance], parameters={"signature": signature})
        return answer.deployed_model_id, list(answer.predictions)


def endpoint_of(settings: Settings, model: str) -> Endpoint:
    """RunError where Terraform has not made it yet."""
    id_ = settings.names.endpoint(model)
    with asking(f"the endpoint {id_} of {model}", settings):
        aiplatform = vertex(settings.project_id, settings.region)
        return Endpoint(settings, patiently(lambda: aiplatform.Endpoint(id_)))


def measured(
    endpoint: Endpoint, id_: str, began: datetime, metric: str, aligner: str
) -> list[float]:
    """The points that Cloud Monitoring has of a deployed model since then; none where nobody asked it."""
    settings, now = endpoint.settings, datetime.now(UTC)
    chosen = {
        "filter": f'metric.type="{METRICS}/{metric}" AND resource.type="aiplatform.googleapis.com/Endpoint"'
        f' AND resource.labels.endpoint_id="{endpoint.resource.name}" AND metric.labels.deployed_model_id="{id_}"',
        "interval.startTime": began.isoformat(),
        "interval.endTime": now.isoformat(),
        "aggregation.alignmentPeriod": f"{max(60, math.ceil((now - began).total_seconds()))}s",
        "aggregation.perSeriesAligner": aligner,
    }
    with asking("Cloud Monitoring", settings):
        http, base = session(
            "GOOGLE_MONITORING_CUSTOM_ENDPOINT", "https://monitoring.googleapis.com"
        )
        told = answered(
            http.get(
                f"{base}/v3/projects/{settings.project_id}/timeSeries", params=chosen, timeout=60
            )
        ).json()
    values = [point["value"] for series in told.get("timeSeries", []) for point in series["points"]]
    return [float(value.get("doubleValue", value.get("int64Value", 0))) for value in values]
