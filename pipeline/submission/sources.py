"""What an experiment ran, beside its report in the stage's bucket.

`tree.bundle` is its files for a colleague's clone. `sources.json` is what its report needs, by
which anybody watches the run, from any checkout.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from pipeline.cards import owner
from pipeline.delivery.record import CHECKED
from pipeline.delivery.run_report import Sources
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import artifact_files
from pipeline.gcp.clients import patiently
from pipeline.gcp.stage import Stage
from pipeline.model.folder import ModelFolder
from pipeline.provenance import stage_bucket
from pipeline.provenance.facts import Code

NAME = "sources.json"
BUNDLE = "tree.bundle"


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Document:
    """All of sources.json; `files` are texts of the model's folder by their paths in it."""

    version: Literal[1]
    model: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    code: Code
    files: dict[Annotated[str, Field(pattern=r"^(\w+/)?\w+\.\w+$")], str]


_JSON: TypeAdapter[Document] = TypeAdapter(Document)


def write(
    stage: Stage, run: str, folder: ModelFolder, code: Code, bundle: bytes | None
) -> list[str]:
    """Write both beside the run's report; a run of a known commit has no bundle.

    Returns their addresses.
    """
    document = Document(version=1, model=folder.name, code=code, files=_texts(folder))
    text = json.dumps(asdict(document), indent=1)
    contents = {NAME: text.encode()}
    if bundle is not None:
        contents[BUNDLE] = bundle
    place = stage_bucket.folder(folder.name, run)
    with stage.asking_bucket():
        for name, content in contents.items():
            blob = stage.artifacts.blob(f"{place}/{name}")
            patiently(partial(blob.upload_from_string, content, "application/octet-stream"))
    return [f"{stage.names.artifacts_uri}/{place}/{name}" for name in contents]


def read(stage: Stage, model: str, run: str, place: Path) -> Sources:
    """Read what the run ran; the files of the model's folder are put below `place`."""
    uri = f"{stage.names.artifacts_uri}/{stage_bucket.folder(model, run)}/{NAME}"
    content = artifact_files.read(stage, uri)
    if content is None:
        raise RunError(f"{uri} is missing: nothing tells what the run ran")
    try:
        document = _JSON.validate_json(content)
    except ValidationError as error:
        raise RunError(f"{uri} is damaged, or of a newer version of Esteira") from error
    folder = place / document.model
    _put(document.files, folder)
    return Sources(ModelFolder.load(f"{folder}/"), document.code)


def _texts(folder: ModelFolder) -> dict[str, str]:
    names = [*ModelFolder.FILES, owner.NAME]
    texts = {}
    for name in names:
        file = folder.path / name
        if file.is_file():
            texts[name] = _text(folder, name)
    return texts


def _text(folder: ModelFolder, name: str) -> str:
    try:
        return folder.content(name).decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{folder.path / name}: not UTF-8 at byte {error.start}, allowed is UTF-8"
        ) from error


def _put(files: Mapping[str, str], folder: Path) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
