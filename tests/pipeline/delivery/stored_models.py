"""A model's files in a stage's bucket, as a run leaves them, and ways to damage them."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import manifest
from pipeline.components import vertex_pusher
from pipeline.delivery import deployment
from pipeline.delivery.record import Images
from pipeline.gcp.endpoints import endpoint_of
from pipeline.gcp.stage import Stage

WEIGHTS = "variables/variables.data-00000-of-00001"
FILES = {
    "saved_model.pb": b"graph",
    "variables/variables.index": b"index",
    WEIGHTS: b"weights",
    "assets/vocabulary": b"",
    "baseline.json": b"rows",
}
DATA_DIGEST = "d" * 64


@dataclass(frozen=True)
class StoredModel:
    stage: Stage
    artifact: str  # its folder in the bucket
    digest: str

    @property
    def folder(self) -> str:
        """What the names of its objects begin with."""
        return f"{self.artifact}/Format-Serving"

    @property
    def uri(self) -> str:
        return f"{self.stage.names.artifacts_uri}/{self.folder}"

    def write(self, path: str, content: bytes) -> None:
        blob = self.stage.artifacts.blob(f"{self.folder}/{path}")
        blob.upload_from_string(content)

    def remove(self, path: str) -> None:
        bucket: Any = self.stage.artifacts
        bucket.delete_blob(f"{self.folder}/{path}")

    def paths(self) -> list[str]:
        prefix = f"{self.folder}/"
        blobs = self.stage.artifacts.list_blobs(prefix=prefix)
        return [blob.name.removeprefix(prefix) for blob in blobs]

    def details(self) -> list[dict[str, object]]:
        """The tasks of its run that have noted a digest."""
        bucket = self.stage.names.artifacts_uri
        return [
            _task("BigQueryExampleGen", "examples", f"{bucket}/examples", DATA_DIGEST),
            _task("Trainer", "model", f"{bucket}/{self.artifact}", self.digest),
        ]


def store_model(stage: Stage, name: str) -> StoredModel:
    """Put a model of that name into the stage's bucket, as its Pusher leaves it."""
    contents = {**FILES, "assets/name": name.encode()}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for path, content in contents.items():
            file = folder / path
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
        manifest_file = manifest.inside(folder)
        digest = manifest.write(folder, manifest_file).digest
        contents[manifest.NAME] = manifest_file.read_bytes()
    model = StoredModel(stage, f"pipelines/models/{name}", digest)
    for path, content in contents.items():
        model.write(path, content)
    return model


def push_stored(model: StoredModel, images: Images) -> str:
    """Push the model as cab's next version, as a run does; return its deployed model."""
    destination = deployment.destination(model.stage, "cab", images)
    version, _ = vertex_pusher.push(model.uri, destination, model.digest)
    return endpoint_of(model.stage, "cab").deployed()[version.version_id]


def flip(model: StoredModel) -> None:
    model.write(WEIGHTS, b"weightt")


def add(model: StoredModel) -> None:
    model.write("assets/more", b"")


def remove(model: StoredModel) -> None:
    model.remove(WEIGHTS)


# by what is done: how, and the complaint about it
DAMAGE: dict[str, tuple[Callable[[StoredModel], None], str]] = {
    "one byte flipped": (flip, f"{WEIGHTS} has another content than it was made with"),
    "one file added": (add, "assets/more was added"),
    "one file removed": (remove, f"{WEIGHTS} is missing"),
}


def _task(name: str, key: str, uri: str, digest: str) -> dict[str, object]:
    artifact = {"name": f"{name}/{key}", "uri": uri, "metadata": {"digest": digest}}
    return {"taskName": name, "state": "SUCCEEDED", "outputs": {key: {"artifacts": [artifact]}}}
