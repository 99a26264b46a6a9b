"""A scratch project that delivers itself here.

It is a copy of this repository with small models, and stand-ins for all it is delivered to. GitHub
is a bare repository, Cloud Build runs the recipes' own steps, Vertex rehearses a job's local twin
and calls the cloud Pusher.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any
from unittest import mock

from google.cloud import storage

from pipeline.gcp.artifact_registry import TARGETS
from pipeline.gcp.clients import vertex
from pipeline.gcp.stage import Stage
from settings import REPOSITORY, GitHub, Settings
from settings.names import Names
from tests.pipeline.delivery.conftest import Repository, listen, record_push
from tests.standins import object_store
from tests.standins.cloud_build.recipes import Outcome, Recipes
from tests.standins.google.apis import GoogleApis
from tests.standins.vertex_pipelines import VertexPipelines
from tests.team import MODELS

RECIPES = {"dev": ("image", "modules"), "staging": ("modules",)}
PATIENCE_SECONDS = 600
ENDED = ("SUCCESS", "FAILURE", "TIMEOUT")
NUMBERS = {"dev": 1, "staging": 2}  # of the stages' projects
ENVIRONMENTS_PY = '''"""The values of two environments that no one has."""

from settings import GitHub, Serving, Settings
from settings.stages import by_stage

SERVING = Serving(keep_warm=True, traffic_steps=(50, 100), step_minutes=0)
GITHUB = GitHub(repository="mill/scratch", app_installation_id=1)
COMMON = {"region": "us-central1", "github": GITHUB, "deletable": True, "serving": SERVING}
DEV = Settings(stage="dev", project_id="scratch-dev", project_number=1, **COMMON)
STAGING = Settings(
    stage="staging", project_id="scratch-staging", project_number=2, promotes_from="dev", **COMMON
)
ENVIRONMENTS = by_stage(DEV, STAGING)
'''


@dataclass
class Scratch:
    """The project's clone, and the stand-ins for its cloud."""

    repository: Repository
    google: GoogleApis
    recipes: Recipes
    vertex: VertexPipelines
    environment: dict[str, str]

    def commit(self, files: dict[str, str | None], push: bool = True) -> str:
        """On GitHub's main, too, unless told otherwise."""
        commit = self.repository.commit(files)
        if push:
            self.repository.git("push", "--quiet", "origin", "main")
        return commit

    def edit(self, file: str, addition: str = "\n# edited\n") -> str:
        content = (self.repository.path / file).read_text()
        return self.commit({file: content + addition})

    def push(self, *arguments: str) -> dict[str, Any]:
        """The report of `python -m pipeline push --env dev`."""
        report = self.call("push", "--env", "dev", "--json", *arguments)
        return json.loads(report)

    def call(self, *arguments: str) -> str:
        process = self.run(*arguments)
        assert process.returncode == 0, process.stderr
        return process.stdout

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, **self.environment, "PYTHONPATH": str(self.repository.path)}
        command = [sys.executable, "-m", "pipeline", *arguments]
        return subprocess.run(
            command, cwd=self.repository.path, env=environment, capture_output=True, text=True
        )

    def ended(self, build: str, patience_seconds: float = PATIENCE_SECONDS) -> Outcome:
        """The outcome of the build with this id, once it is over."""
        deadline = time.monotonic() + patience_seconds
        while True:
            body = self.build(build)
            name = body.get("name")
            if body.get("status") in ENDED and name in self.recipes.outcomes:
                return self.recipes.outcomes[name]
            assert time.monotonic() < deadline, (
                f"the build {build} did not end within {patience_seconds} s"
            )
            time.sleep(0.2)

    def build(self, id_: str) -> dict[str, Any]:
        """The build with this id; empty before there is one."""
        for body in self.builds():
            if body["id"] == id_:
                return body
        return {}

    def builds(self) -> list[dict[str, Any]]:
        """All builds, the oldest first."""
        bodies = [
            body
            for (product, name), body in self.google.objects.items()
            if product == "cloud_build" and "/builds/" in name
        ]
        return sorted(bodies, key=itemgetter("createTime"))

    def delivery_to(self, stage: str, commit: str) -> dict[str, Any]:
        """The build for a delivery of the commit to the stage, at another build's request."""
        delivery = {"TRIGGER_NAME": f"{stage}-modules", "COMMIT_SHA": commit}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            for body in self.builds():
                if delivery.items() <= body["substitutions"].items():
                    return body
            assert time.monotonic() < deadline, (
                f"nobody has asked {stage} for {commit} within {PATIENCE_SECONDS} s"
            )
            time.sleep(0.2)

    def record(self, stage: str) -> dict[str, Any]:
        name = self.names(stage).bucket("artifacts")
        bucket = storage.Client(project="p").bucket(name)
        content = bucket.blob("delivery.json").download_as_bytes()
        return json.loads(content)

    def version(self, stage: str, model: str) -> dict[str, Any]:
        """The model's current version in the stage."""
        models = self.record(stage)["models"]
        return models[model]["current"]

    def summary(self, stage: str, model: str) -> dict[str, Any]:
        """The summary in the bucket from the run of the stage's version."""
        *_, run = self.version(stage, model)["run"].split("/")
        name = self.names(stage).bucket("artifacts")
        bucket = storage.Client(project="p").bucket(name)
        content = bucket.blob(f"reports/{model}/{run}/summary.json").download_as_bytes()
        return json.loads(content)

    def modules(self, stage: str) -> set[str]:
        """The names of all modules in the stage's bucket."""
        bucket = self.names(stage).bucket("artifacts")
        blobs = storage.Client(project="p").list_blobs(bucket, prefix="modules/")
        return {blob.name for blob in blobs}

    def traffic(self, stage: str, model: str) -> dict[str, int]:
        """Percent of the traffic by registry version."""
        settings = _settings(stage)
        client = vertex(settings.project_id, settings.region)
        endpoint = client.Endpoint(settings.names.endpoint(model))
        versions = {deployed.id: deployed.model_version_id for deployed in endpoint.list_models()}
        percents = {id_: percent for id_, percent in endpoint.traffic_split.items() if percent}
        return {versions[id_]: percent for id_, percent in percents.items()}

    def take_as_built(self, stage: str, tag: str) -> str:
        """Have main's commit as pushed and its images as built by this tag; return the commit."""
        settings = _settings(stage)
        commit = self.repository.git("rev-parse", "HEAD")
        for target in TARGETS:
            image = settings.names.image(target)
            self.google.registry.put_image(image, revision=commit, tag=tag)
        models = [folder.name for folder in (self.repository.path / "models").iterdir()]
        record_push(Stage(settings), commit, tuple(models))
        return commit

    def ask_to_retrain(self, stage: str, model: str) -> dict[str, Any]:
        """Send the message that asks for a model's retraining; return the build that it starts."""
        topic = self.names(stage).topic("retrain")
        path = f"/pubsub/v1/projects/{_settings(stage).project_id}/topics/{topic}:publish"
        message = {"messages": [{"attributes": {"models": model}}]}
        self.google.respond("POST", path, json.dumps(message).encode())
        *_, build = self.builds()
        return build

    def names(self, stage: str) -> Names:
        return _settings(stage).names

    def stop_promotions(self) -> None:
        """Staging is asked all the same, and nobody there listens."""
        trigger = self.names("staging").trigger("promote")
        for (product, name), body in self.google.objects.items():
            if product == "cloud_build" and body.get("name") == trigger:
                self.google.respond("DELETE", f"/cloud_build/v1/{name}", b"")

    def apply(self, model: str) -> None:
        """The serving stack's work for a model in each stage."""
        for stage in RECIPES:
            settings = _settings(stage)
            display_name = settings.names.pipeline(model)
            id_ = settings.names.endpoint(model)
            client = vertex(settings.project_id, settings.region)
            client.Endpoint.create(display_name=display_name, endpoint_id=id_)


@contextmanager
def project(place: Path, model: Path = MODELS / "cab") -> Iterator[Scratch]:
    """A scratch project of one model below `place`, its first commit on GitHub.

    Nothing is delivered yet.
    """
    repository = Repository(place / "repository")
    _fill(repository, model)
    _publish(repository, place / "origin.git")
    settings = [_settings(stage) for stage in NUMBERS]
    numbers = {each.project_id: str(each.project_number) for each in settings}
    with GoogleApis(project_numbers=numbers) as google, object_store.serving() as store:
        environment = {**google.environment(), "STORAGE_EMULATOR_HOST": store.url}
        with mock.patch.dict(os.environ, environment):
            scratch = _scratch(repository, google, environment, place)
            for stage in RECIPES:
                _apply_stage(google, stage)
            listen(google, _settings("staging"))
            listen_for_retrainings(google, _settings("dev"))
            scratch.apply(model.name)
            yield scratch


def _publish(repository: Repository, origin: Path) -> None:
    """Push the repository's main to a bare one, its GitHub."""
    repository.git("init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    repository.git("remote", "add", "origin", str(origin))
    repository.git("push", "--quiet", "origin", "main")


def _scratch(
    repository: Repository, google: GoogleApis, environment: dict[str, str], place: Path
) -> Scratch:
    """The project, its builds and jobs run by their stand-ins."""

    def report(build: dict[str, Any], status: str) -> None:
        google.change("cloud_build", build["name"], status=status)

    recipes = Recipes(repository.path, environment, report)
    jobs = VertexPipelines(google, repository.path, environment, place / "vertex")
    google.on_build = recipes.run
    google.on_pipeline_job = jobs.run
    google.main = lambda: repository.git("rev-parse", "main")
    return Scratch(repository, google, recipes, jobs, environment)


def _apply_stage(google: GoogleApis, stage: str) -> None:
    """The stacks' work for a stage: its bucket and its triggers."""
    settings = _settings(stage)
    storage.Client(project="p").create_bucket(settings.names.bucket("artifacts"))
    for recipe in RECIPES[stage]:
        substitutions = {"_STAGE": stage, "_MODELS": "all"}
        if recipe == "modules":
            substitutions["_REQUEST"] = "none"
        trigger = settings.names.trigger(recipe)
        google.add_trigger(
            settings.project_id, settings.region, trigger, substitutions=substitutions
        )


def listen_for_retrainings(google: GoogleApis, settings: Settings) -> None:
    """A stage with a trigger for retrainings, as its delivery stack makes it."""
    topic = google.add_topic(settings.project_id, settings.names.topic("retrain"))
    substitutions = {
        "_STAGE": settings.stage,
        "_MODELS": "$(body.message.attributes.models)",
        "_REQUEST": "$(body.message.attributes.request)",
    }
    google.add_trigger(
        settings.project_id,
        settings.region,
        settings.names.trigger("retrain"),
        substitutions=substitutions,
        filter='_MODELS != ""',
        pubsubConfig={"topic": topic},
    )


def _fill(repository: Repository, model: Path) -> None:
    """All files of this repository as they are now, with this model and values of no one.

    The model stands instead of the repository's own.
    """
    command = ["git", "-C", str(REPOSITORY), "ls-files", "-z"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True)
    for name in listing.stdout.split("\0"):
        file = REPOSITORY / name
        if file.is_file() and not name.startswith("models/"):
            copy = repository.path / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)
    models = repository.path / "models"
    models.mkdir()
    shutil.copytree(model, models / model.name, ignore=shutil.ignore_patterns("__pycache__"))
    (repository.path / "environments.py").write_text(ENVIRONMENTS_PY)
    repository.commit({})


def _settings(stage: str) -> Settings:
    """As the scratch project's own environments.py has it, as far as names and addresses go."""
    github = GitHub(repository="mill/scratch", app_installation_id=1)
    number = NUMBERS[stage]
    return Settings(
        stage=stage,
        project_id=f"scratch-{stage}",
        project_number=number,
        region="us-central1",
        github=github,
        deletable=True,
    )
