"""Copies a model's modules into a stage's bucket, each to an address made of its content.

Nothing is overwritten, and only what changed is copied.
"""

from dataclasses import dataclass
from typing import Any

from google.api_core.exceptions import PreconditionFailed

from pipeline.errors import RunError
from pipeline.gcp.clients import asking, storage
from pipeline.model.folder import ModelFolder
from pipeline.spec import MODULE_FILES, Modules
from settings import Settings


@dataclass(frozen=True)
class Upload:
    """Maps each file to its gs:// URI, and names the new files.

    A new file was not there before.
    """

    uris: dict[str, str]
    copied: list[str]


def upload(folder: ModelFolder, settings: Settings) -> Upload:
    """Copy the model's modules into the stage's bucket.

    Raises RunError where the bucket refuses, or holds something else at an address of ours.
    """
    uris = addresses(folder, settings)
    with asking(f"the bucket {settings.names.bucket('artifacts')}", settings):
        bucket = storage(settings.project_id).bucket(settings.names.bucket("artifacts"))
        copied_files = [
            file
            for file, uri in uris.items()
            if _copied(bucket, uri, (folder.path / file).read_bytes())
        ]
    return Upload(uris, copied_files)


def addresses(folder: ModelFolder, settings: Settings) -> dict[str, str]:
    """Map each file to the gs:// URI of its content in the stage's bucket.

    The content may be there or not.
    """
    modules = Modules.of(folder, f"{settings.names.artifacts_uri}/modules/{folder.name}")
    uris = (modules.preprocessing, modules.model, modules.schema, modules.hyperparameters)
    return dict(zip(MODULE_FILES, uris, strict=True))


def _copied(bucket: Any, uri: str, content: bytes) -> bool:
    blob = bucket.blob(uri.removeprefix(f"gs://{bucket.name}/"))
    try:
        blob.upload_from_string(content, if_generation_match=0)
    except PreconditionFailed:
        if blob.download_as_bytes() != content:
            raise RunError(
                f"{uri} holds something else than its name says: "
                "find out who wrote it, then delete it"
            ) from None
        return False
    return True
