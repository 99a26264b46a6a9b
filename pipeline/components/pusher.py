"""Publishes a model here, into a new folder, whole or not at all.

A version names the folder and only grows. The same model is never published twice; where it is
published already, its baseline is renewed.
"""

import os
import shutil
import time
from pathlib import Path
from typing import Any

from tfx.components.pusher import executor
from tfx.dsl.components.base import executor_spec
from tfx.types import BaseChannel, artifact_utils
from tfx.utils import json_utils

from pipeline import manifest
from pipeline.author import author
from pipeline.baseline import content
from pipeline.components import push
from pipeline.components.cache_key import source_sha256
from pipeline.errors import RunError
from pipeline.spec import FolderDestination


class Executor(executor.Executor):
    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        artifact = artifact_utils.get_single_instance(output_dict["pushed_model"])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(artifact)
            return
        config = json_utils.loads(exec_properties["custom_config"])
        _refuse_damaged(Path(artifact_utils.get_single_uri(input_dict["model"])))
        model = Path(self.GetModelPath(input_dict))
        folder = Path(config["folder"])
        baseline = push.baseline_file(input_dict)
        digest = push.blessed_digest(input_dict)
        version, new = publish(model, folder, Path(baseline) if baseline else None, digest)
        self._MarkPushed(artifact, pushed_destination=str(version), pushed_version=version.name)
        artifact.set_int_custom_property("new", int(new))
        artifact.set_string_custom_property("by", author())


class Pusher(push.Pusher):
    """Pushes a model into the folder if both blessings allow it.

    The artifact's property `new` tells a repeated model (0), and `by` who ran the run.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, destination: FolderDestination, **channels: BaseChannel) -> None:
        config = {
            "folder": destination.path,
            "newest": destination.newest,
            "source_sha256": source_sha256(
                "components/model_manifest.py", "components/push.py", "components/pusher.py"
            ),
        }
        super().__init__(config, **channels)


def _refuse_damaged(model: Path) -> None:
    problem = manifest.problem(model, manifest.beside(model))
    if problem:
        raise RunError(
            f"{model} is not published, since it is damaged ({problem}): "
            "run again, which trains it anew"
        )


def publish(
    model: Path, folder: Path, baseline: Path | None = None, digest: str | None = None
) -> tuple[Path, bool]:
    """The version's folder, which holds the model and its baseline, and whether it is new.

    On any failure the folder holds what it held before, and where the copy has another digest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    newest_version = _newest_version(folder)
    next_number = 0
    if newest_version is not None:
        if tree_sha256(newest_version) == tree_sha256(model):
            _renew(newest_version, baseline)
            return newest_version, False
        next_number = int(newest_version.name) + 1
    seconds = int(time.time())
    number = max(seconds, next_number)
    version = folder / str(number)
    unfinished_folder = folder / f".{version.name}.unfinished"
    for remnant in folder.glob(".*.unfinished"):
        _remove(remnant)
    try:
        shutil.copytree(model, unfinished_folder)
        _refuse_other(unfinished_folder, digest)
        if baseline:
            shutil.copyfile(baseline, unfinished_folder / content.NAME)
        manifest.write(unfinished_folder, manifest.inside(unfinished_folder))
        os.rename(unfinished_folder, version)
    except OSError as error:
        shutil.rmtree(unfinished_folder, ignore_errors=True)
        raise RunError(
            f"{folder}: version {version.name} cannot be written ({error}); "
            "the versions before it are untouched"
        ) from error
    return version, True


def _refuse_other(copy: Path, digest: str | None) -> None:
    """Raise RunError for a copy of another content: the model was changed meanwhile."""
    if digest and tree_sha256(copy) != digest:
        shutil.rmtree(copy, ignore_errors=True)
        raise RunError(
            f"{copy.parent}: the model was changed while it was copied, nothing is published: "
            "run again, which trains it anew"
        )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _renew(version: Path, baseline: Path | None) -> None:
    """Put the baseline into a published version, unless it is there.

    Between its two renames a server takes the version for damaged, and then looks again.
    """
    file = version / content.NAME
    if baseline is None or (file.exists() and file.read_bytes() == baseline.read_bytes()):
        return
    unfinished_file = version.parent / f".{version.name}.{content.NAME}.unfinished"
    try:
        shutil.copyfile(baseline, unfinished_file)
        os.replace(unfinished_file, file)
        manifest.write(version, manifest.inside(version))
    except OSError as error:
        unfinished_file.unlink(missing_ok=True)
        raise RunError(f"{version}: its baseline cannot be written ({error}): run again") from error


def _newest_version(folder: Path) -> Path | None:
    versions = [path for path in folder.iterdir() if path.name.isdigit()]
    return max(versions, key=lambda version: int(version.name), default=None)


def tree_sha256(folder: Path) -> str:
    """One hash over names and contents of a model's files, whatever accompanies them."""
    return manifest.of(folder).digest
