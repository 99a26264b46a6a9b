"""A job's local twin, rehearsed, as the cloud's API tells of the job.

Its artifacts' files go to the bucket, but those of the examples: nobody should fetch these.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.cloud import storage

Json = dict[str, Any]
CLOUD_NAMES = {"CsvExampleGen": "BigQueryExampleGen"}  # of tasks that the cloud has instead
LARGE = {"examples", "transformed_examples", "transform_graph"}


@dataclass(frozen=True)
class Twin:
    """A rehearsal's tasks, and the root of its artifacts.

    In the bucket these lie below `folder`, by the job that `runs` names for each rehearsal.
    """

    tasks: list[Json]
    root: Path
    folder: str = "pipelines/twin"
    runs: Mapping[str, str] = field(default_factory=dict)
    rehearsal: str = ""

    @classmethod
    def newest(cls, root: Path) -> "Twin":
        file = max(root.glob("rehearsals/*/tasks.json"))
        return cls(json.loads(file.read_text()), root, rehearsal=file.parent.name)

    @property
    def digest(self) -> str:
        text = json.dumps(self.tasks)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def published(self) -> bool:
        return any(_is_pushed(task) for task in self.tasks)

    @property
    def failed(self) -> str:
        """The name of the first failed task, or empty."""
        names = [task["taskName"] for task in self.tasks if task["state"] == "FAILED"]
        return "".join(names[:1])

    def put_model(self, bucket: str) -> tuple[str, str]:
        """Put what the Trainer made at an address of this twin's; return that and its digest."""
        [trainer] = [task for task in self.tasks if task["taskName"] == "Trainer"]
        [artifact] = trainer["outputs"]["model"]["artifacts"]
        folder = Path(artifact["uri"]) / "Format-Serving"
        name = f"models/{self.digest}"
        _put(folder, name, storage.Client(project="p").bucket(bucket))
        return f"gs://{bucket}/{name}", artifact["metadata"]["digest"]

    def details(self, bucket: str, *, cached: bool = False) -> list[Json]:
        """The tasks' details, their artifacts in the bucket.

        Where all is cached, each task is skipped: its outputs are those of the older run.
        """
        artifacts = storage.Client(project="p").bucket(bucket)
        details = []
        for task in self.tasks:
            detail = self._detail(task, artifacts)
            if cached:
                detail["state"] = "SKIPPED"
            details.append(detail)
        return details

    def _detail(self, task: Json, bucket: Any) -> Json:
        for key, outputs in task.get("outputs", {}).items():
            for artifact in outputs["artifacts"]:
                if key not in LARGE:
                    self._upload(artifact, bucket)
        name = task["taskName"]
        sides = {side: self._moved(task.get(side, {}), bucket) for side in ("inputs", "outputs")}
        return {**task, "taskName": CLOUD_NAMES.get(name, name), **sides}

    def _moved(self, artifacts: Json, bucket: Any) -> Json:
        """The artifacts of one side as the API's Artifact has them."""
        moved = {}
        for key, group in artifacts.items():
            moved[key] = {
                "artifacts": [self._artifact(each, bucket) for each in group["artifacts"]]
            }
        return moved

    def _artifact(self, artifact: Json, bucket: Any) -> Json:
        uri = f"gs://{bucket.name}/{self._name(artifact)}"
        fields = {key: artifact[key] for key in ("name", "metadata", "type")}
        return {**fields, "uri": uri, "state": "LIVE"}

    def _upload(self, artifact: Json, bucket: Any) -> None:
        _put(Path(artifact["uri"]), self._name(artifact), bucket)

    def _name(self, artifact: Json) -> str:
        """The artifact's place in a bucket: {job}/{task}/{key}, or where it was imported from."""
        path = Path(artifact["uri"]).relative_to(self.root)
        kind, *inner = path.parts
        if kind != "rehearsals":
            return str(path)
        rehearsal, *output = inner
        run = self.runs.get(rehearsal, rehearsal)
        return "/".join([self.folder, run, *output])


def _put(folder: Path, name: str, bucket: Any) -> None:
    """Upload the folder's files below that name."""
    for file in folder.rglob("*"):
        if file.is_file():
            blob = bucket.blob(f"{name}/{file.relative_to(folder)}")
            blob.upload_from_filename(str(file))


def _is_pushed(task: Json) -> bool:
    outputs = task.get("outputs", {})
    pushed_models = outputs.get("pushed_model", {}).get("artifacts", [])
    return any(artifact["metadata"].get("pushed") == 1 for artifact in pushed_models)
