"""The ground of the delivery's tests.

A scratch git repository, a stand-in of Cloud Storage, and a record.
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
from pipeline.delivery.record import EMPTY, Delivery, Images, Passed, delivered
from pipeline.gcp import pipeline_jobs
from pipeline.gcp.clients import vertex
from settings import Settings
from tests.standins import object_store
from tests.standins.google.apis import GoogleApis
from tests.standins.object_store import ObjectStore

IDENTITY = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@b",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b",
}
ISOLATED = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **IDENTITY}
BEGIN = {
    name: name
    for name in ("README.md", "pipeline/job/dag.py", "models/cab/model.toml", "models/cab/model.py")
}

DEV = ENVIRONMENTS["dev"]
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
)
SECOND = replace(FIRST, commit="b" * 40, registry_version="2", deployed_model=None)
THIRD = replace(FIRST, commit="c" * 40, registry_version="3")
FULL = replace(
    delivered(delivered(EMPTY, "cab", FIRST), "cab", SECOND), commit="b" * 40, images=FIRST.images
)


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
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    with object_store.serving() as store:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", store.url)
        yield store


@pytest.fixture
def blob(store: ObjectStore) -> Any:
    """The record's object, in an existing bucket."""
    return storage.Client(project="p").create_bucket("mill-dev-dev-artifacts").blob("delivery.json")


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch, blob: Any) -> Iterator[GoogleApis]:
    """Google's APIs beside storage, with the cab model's endpoint and the bucket in dev."""
    with GoogleApis() as google:
        for name, value in google.environment().items():
            monkeypatch.setenv(name, value)
        vertex(DEV.project_id, DEV.region).Endpoint.create(
            display_name="dev-cab", endpoint_id=DEV.names.endpoint("cab")
        )
        yield google


def listen(google: GoogleApis, settings: Settings) -> None:
    """A stage with a trigger for promotions, as its delivery stack makes it."""
    message = {
        f"_{name.upper()}": f"$(body.message.attributes.{name})" for name in ("models", "commit")
    }
    google.add_trigger(
        settings.project_id,
        settings.region,
        settings.names.trigger("promote"),
        substitutions={"_STAGE": settings.stage, **message},
        pubsubConfig={
            "topic": google.add_topic(settings.project_id, settings.names.topic("promote"))
        },
    )


def promotions(google: GoogleApis) -> list[tuple[str, str]]:
    """The commit and models of each promotion's request."""
    builds = [
        body["substitutions"]
        for (product, name), body in google.objects.items()
        if product == "cloud_build" and "/builds/" in name
    ]
    return [
        (substitutions["_COMMIT"], substitutions["_MODELS"])
        for substitutions in builds
        if substitutions["TRIGGER_NAME"].endswith("-promote")
    ]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are looked after often."""
    monkeypatch.setattr(pipeline_jobs, "POLL_SECONDS", (0.05, 0.05))
