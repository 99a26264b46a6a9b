"""Copies a model's modules into a stage's bucket, each to an address made of its content: nothing is overwritten, only what changed is copied."""

from dataclasses import dataclass
from typing import Any

from google.api_core.exceptions import PreconditionFailed

from pipeline.errors import RunError
from pipeline.gcp.clients import asking, storage
from pipeline.model.folder import ModelFolder
from pipeline.spec import MODULE_FILES, Modules
from settings import Settings


@dataclass(frozen=True)
class Published:
    """File -> its gs:// URI, and which of them were not there before."""

    uris: dict[str, str]
    copied: list[str]


def publish(folder: ModelFolder, settings: Settings) -> Published:
    """Raises RunError where the bucket refuses, or holds something else at an address of ours."""
    uris = addresses(folder, settings)
    with asking(f"the bucket {settings.names.bucket('artifacts')}", settings):
        bucket = storage(settings.project_id).bucket(settings.names.bucket("artifacts"))
        copied = [
            file
            for file, uri in uris.items()
            if _copied(bucket, uri, (folder.path / file).read_bytes())
        ]
    return Published(uris, copied)


def addresses(folder: ModelFolder, settings: Settings) -> dict[str, str]:
    """File -> the gs:// URI that its content has in the stage's bucket, whether it is there or not."""
    modules = Modules.of(folder, f"{settings.names.artifacts_uri}/modules/{folder.name}")
    return dict(
        zip(
            MODULE_FILES,
            (modules.preprocessing, modules.model, modules.schema, modules.hyperparameters),
            strict=True,
        )
    )


def _copied(bucket: Any, uri: str, content: bytes) -> bool:
    blob = bucket.blob(uri.removeprefix(f"gs://{bucket.name}/"))
    try:
        blob.upload_from_string(content, if_generation_match=0)
    except PreconditionFailed:
        if blob.download_as_bytes() != content:
            raise RunError(
                f"{uri} holds something else than its name says: find out who wrote it, then delete it"
            ) from None
        return False
    return True
