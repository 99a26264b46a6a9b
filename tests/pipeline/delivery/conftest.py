"""The ground of the delivery's tests.

Scratch git repositories, stand-ins for Google's services, and records.
"""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.cloud import storage

from environments import ENVIRONMENTS
from pipeline.delivery import git, record_object
from pipeline.delivery.record import (
    EMPTY,
    Delivery,
    Images,
    Model,
    Passed,
    Push,
    Record,
    delivered,
)
from pipeline.gcp import artifact_registry, pipeline_jobs
from pipeline.gcp.clients import vertex
from pipeline.gcp.endpoints import Endpoint, endpoint_of
from pipeline.gcp.stage import Stage
from settings import REPOSITORY, Serving, Settings
from tests.scratch_git import ISOLATED
from tests.standins import object_store
from tests.standins.fault_proxy import Proxied
from tests.standins.google.apis import GoogleApis

BEGIN = {
    name: name
    for name in ("README.md", "pipeline/job/dag.py", "models/cab/model.toml", "models/cab/model.py")
}

DEV = ENVIRONMENTS["dev"]
STAGING = ENVIRONMENTS["staging"]
WARM = replace(DEV, serving=Serving(keep_warm=True, step_minutes=0, traffic_steps=(50, 100)))
URI = "gs://mill-dev-dev-artifacts/delivery.json"
FIRST = Delivery(
    commit="a" * 40,
    images=Images(pipeline=f"sha256:{'1' * 64}", serving=f"sha256:{'2' * 64}"),
    modules={"model": "gs://mill-dev-dev-artifacts/modules/cab/abc/model.py"},
    run="projects/1/locations/us-central1/pipelineJobs/dev-cab-1",
    registry_version="1",
    deployed_model="4711",
    delivered_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    passed=Passed(run_succeeded=True, blessed=True, smoke=True, traffic_steps=(1, 10, 50, 100)),
    model_digest=None,
    data_digest=None,
)
SECOND = replace(FIRST, commit="b" * 40, registry_version="2", deployed_model=None)
THIRD = replace(FIRST, commit="c" * 40, registry_version="3")
AFTER_FIRST = delivered(EMPTY, "cab", FIRST)
AFTER_SECOND = delivered(AFTER_FIRST, "cab", SECOND)
FULL = replace(AFTER_SECOND, commit=SECOND.commit, images=FIRST.images)
OLDER_COMMIT = "d" * 40


class Repository:
    """A scratch repository; `commit` takes the new contents of files, None to remove one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        process = subprocess.run(
            ["git", "-C", self.path, *arguments],
            env=os.environ | ISOLATED,
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, process.stderr
        return process.stdout.strip()

    def commit(self, files: dict[str, str | None]) -> str:
        for name, content in files.items():
            file = self.path / name
            if content is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


@pytest.fixture
def first(repository: Repository) -> str:
    return repository.commit(BEGIN)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxied]:
    with object_store.serving() as store:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", store.url)
        yield store


@pytest.fixture
def blob(store: Proxied) -> Any:
    """The record's object, in an existing bucket."""
    client = storage.Client(project="p")
    bucket = client.create_bucket("mill-dev-dev-artifacts")
    return bucket.blob("delivery.json")


@pytest.fixture
def google(google: GoogleApis, blob: Any) -> GoogleApis:
    """Google's APIs beside storage, with the cab model's endpoint and the bucket in dev."""
    endpoint_id = DEV.names.endpoint("cab")
    aiplatform = vertex(DEV.project_id, DEV.region)
    aiplatform.Endpoint.create(display_name="dev-cab", endpoint_id=endpoint_id)
    return google


@pytest.fixture
def main(repository: Repository, tmp_path: Path) -> Repository:
    """A clone with GitHub's main."""
    origin = str(tmp_path / "origin.git")
    repository.git("init", "--quiet", "--bare", "--initial-branch=main", origin)
    repository.git("remote", "add", "origin", origin)
    return repository


@pytest.fixture
def cloud(google: GoogleApis, blob: Any) -> GoogleApis:
    """Google's APIs with dev's triggers for pushed commits."""
    substitutions = {"_STAGE": "dev", "_MODELS": "all"}
    for recipe in ("image", "modules"):
        trigger = DEV.names.trigger(recipe)
        google.add_trigger(DEV.project_id, DEV.region, trigger, substitutions=substitutions)
    return google


@pytest.fixture
def dev() -> Stage:
    """Dev; each test has clients of its own, at the addresses of its own stand-ins."""
    return Stage(DEV)


@pytest.fixture
def warm() -> Stage:
    """Dev; its versions keep their machines."""
    return Stage(WARM)


@pytest.fixture
def endpoint(google: GoogleApis, warm: Stage) -> Endpoint:
    """The cab model's endpoint in dev."""
    return endpoint_of(warm, "cab")


@pytest.fixture
def commit() -> str:
    """The checked-out commit."""
    head = git.commit(REPOSITORY, "HEAD")
    assert head
    return head


@pytest.fixture
def pipelines(google: GoogleApis, blob: Any, warm: Stage, commit: str) -> Any:
    """Vertex, the commit's images in dev's registry, the next stage's trigger, a pushed commit."""
    from tests.pipeline.delivery.ended_jobs import Vertex  # which imports TFX

    put_images(google, commit, "built")
    listen(google, STAGING)
    google.main = lambda: commit
    record_push(warm, commit)
    return Vertex(google)


@pytest.fixture
def served(pipelines: Any, warm: Stage, endpoint: Endpoint) -> dict[str, int]:
    """The shares of the traffic, all with a version of another commit."""
    id_ = push_version(warm, "0")
    older = replace(FIRST, commit=OLDER_COMMIT, deployed_model=id_)
    add_delivery(warm, "cab", older)
    edit_record(warm, commit=OLDER_COMMIT, images=FIRST.images)
    return endpoint.shares()


@pytest.fixture
def images(google: GoogleApis) -> Images:
    """Both images in dev's registry."""
    return put_images(google, "c" * 40)


def put_images(google: GoogleApis, revision: str, tag: str | None = None) -> Images:
    """Put both images of this revision into dev's registry."""
    digests = {}
    for target in artifact_registry.TARGETS:
        name = DEV.names.image(target)
        digests[target] = google.registry.put_image(name, revision=revision, tag=tag)
    return Images(**digests)


def record_push(stage: Stage, commit: str, models: tuple[str, ...] = ("cab",)) -> None:
    now = datetime.now(UTC)
    push = Push(commit=commit, recipe="image", models=models, at=now, build="1")
    edit_record(stage, pushed=push)


def write_record(stage: Stage, record: Record) -> None:
    record_object.update(stage, lambda _: record)


def push_version(stage: Stage, name: str, images: Images = FIRST.images) -> str:
    """Push gs://b/models/NAME as cab's next version; return its deployed model.

    It is one from before digests.
    """
    from pipeline.components import vertex_pusher  # which imports TFX
    from pipeline.delivery import deployment

    destination = deployment.destination(stage, "cab", images)
    version, _ = vertex_pusher.push(f"gs://b/models/{name}", destination, None)
    return endpoint_of(stage, "cab").deployed()[version.version_id]


def edit_record(stage: Stage, **fields: Any) -> None:
    """Replace these fields of the stage's record."""
    record_object.update(stage, lambda record: replace(record, **fields))


def add_delivery(stage: Stage, model: str, delivery: Delivery) -> None:
    """Record the delivery as the model's current one."""
    record_object.update(stage, lambda record: delivered(record, model, delivery))


def recorded_cab(stage: Stage) -> Model:
    record = record_object.read(stage)
    return record.models["cab"]


def listen(google: GoogleApis, settings: Settings) -> None:
    """A stage with a trigger for promotions, as its delivery stack makes it."""
    trigger = settings.names.trigger("promote")
    topic = settings.names.topic("promote")
    topic_name = google.add_topic(settings.project_id, topic)
    substitutions = {
        "_STAGE": settings.stage,
        "_MODELS": "$(body.message.attributes.models)",
        "_COMMIT": "$(body.message.attributes.commit)",
    }
    google.add_trigger(
        settings.project_id,
        settings.region,
        trigger,
        substitutions=substitutions,
        filter='_MODELS != "" && _COMMIT != ""',
        pubsubConfig={"topic": topic_name},
    )


def builds(google: GoogleApis) -> list[dict[str, Any]]:
    """Cloud Build's builds, in order."""
    bodies = []
    for (product, name), body in google.objects.items():
        if product == "cloud_build" and "/builds/" in name:
            bodies.append(body)
    return bodies


def promotions(google: GoogleApis) -> list[tuple[str, str]]:
    """The commit and models of each promotion's request."""
    requests = []
    for build in builds(google):
        substitutions = build["substitutions"]
        trigger = substitutions["TRIGGER_NAME"]
        if trigger.endswith("-promote"):
            commit, models = substitutions["_COMMIT"], substitutions["_MODELS"]
            requests.append((commit, models))
    return requests


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are looked after often."""
    monkeypatch.setattr(pipeline_jobs, "POLL_SECONDS", (0.05, 0.05))
