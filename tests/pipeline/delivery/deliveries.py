"""A delivery to dev, as the verb makes it, and its traces."""

from typing import Any

from pipeline.delivery import pushed_commit
from pipeline.delivery.rollout import Rollout, Verdict
from pipeline.gcp import artifact_registry
from pipeline.gcp.protocols import Response
from pipeline.gcp.stage import Stage
from tests.pipeline.delivery.conftest import STAGING, WARM
from tests.pipeline.delivery.ended_jobs import Vertex
from tests.standins.google.apis import GoogleApis


def deliver(
    commit, tag="built", settings=WARM, models=("cab",), observer=lambda *_: None
) -> list[Verdict]:
    stage, follower = Stage(settings), Stage(STAGING)
    rollout = Rollout(stage, None, (follower,), commit, observer)
    return pushed_commit.deliver(rollout, list(models), tag)


def recorded_tag(stage: Stage, digest: str) -> Response:
    """The registry's answer about a pipeline image's `recorded-` tag."""
    image = artifact_registry.Image(stage, "pipeline")
    return image.ask("GET", f"manifests/recorded-{digest[7:19]}")


def attempts(pipelines: Vertex) -> list[str]:
    """The end of each job's name: the number of the commit's attempt."""
    names = [job["name"] for job in pipelines.jobs]
    return [name[-2:] for name in names]


def events(google: GoogleApis) -> list[Any]:
    """The events in the log, in order."""
    payloads = [entry["jsonPayload"] for entry in google.entries]
    return [payload["event"] for payload in payloads]
