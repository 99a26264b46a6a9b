"""Copies a model's modules into a stage's bucket, each to an address made of its content.

Nothing is overwritten, and only what changed is copied.
"""

from dataclasses import dataclass

from google.api_core.exceptions import PreconditionFailed

from pipeline.errors import RunError
from pipeline.gcp.protocols import Bucket
from pipeline.gcp.stage import Stage
from pipeline.model.folder import ModelFolder
from pipeline.spec import MODULE_FILES, Modules
from settings.artifacts import MODULES


@dataclass(frozen=True)
class Upload:
    """Maps each file to its gs:// URI, and names the new files.

    A new file was not there before.
    """

    uris: dict[str, str]
    copied: list[str]


def upload(folder: ModelFolder, stage: Stage) -> Upload:
    """Copy the model's modules into the stage's bucket.

    Raises RunError where the bucket refuses, or holds something else at an address of ours.
    """
    uris = addresses(folder, stage)
    contents = {file: folder.content(file) for file in uris}
    new_files = []
    with stage.asking(f"the bucket {stage.names.bucket('artifacts')}"):
        for file, uri in uris.items():
            if _is_new(stage.artifacts, uri, contents[file]):
                new_files.append(file)
    return Upload(uris, new_files)


def addresses(folder: ModelFolder, stage: Stage) -> dict[str, str]:
    """Map each file to the gs:// URI of its content in the stage's bucket.

    The content may be there or not.
    """
    modules = Modules.of(folder, f"{stage.names.artifacts_uri}/{MODULES}{folder.name}")
    uris = (modules.preprocessing, modules.model, modules.schema, modules.hyperparameters)
    return dict(zip(MODULE_FILES, uris, strict=True))


def _is_new(bucket: Bucket, uri: str, content: bytes) -> bool:
    """Copy the content, unless the bucket has it at this address."""
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
