"""The manifest inside an exported model, wherever it lies: here, or in a bucket as gs://.

The Trainer's node writes it; each node that judges or hands on the model asks whether its files are
still those. In a bucket the Pusher completes it, by the baseline. A bucket's files are read as a
stream, whole, each time: nothing there tells whether they were changed.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import tensorflow as tf
from tfx import types
from tfx.dsl.io import fileio
from tfx.utils import path_utils

from pipeline import manifest
from pipeline.baseline.content import NAME as BASELINE
from pipeline.components import data_window
from pipeline.errors import RunError
from pipeline.manifest import File, Manifest

DIGEST = "digest"  # of a Model artifact and of what blesses it
CHUNK = 1 << 20  # bytes


def write(model: str) -> str:
    """Write the manifest of the model's files into its folder; return their digest."""
    if _is_here(model):
        folder = Path(model)
        return manifest.write(folder, manifest.inside(folder)).digest
    return _write(dict(_files(model)), f"{model}/{manifest.NAME}").digest


def complete(model: str, baseline: str) -> None:
    """Put the baseline into the model's folder, and into the manifest there.

    The digest stays, since a baseline is no part of the model. Who is ended between the two is run
    again: nothing that is read here depends on a baseline. The one that is there already is left
    alone, and another one is replaced and never removed: a version may serve this model meanwhile.
    """
    place = f"{model}/{BASELINE}"
    entry = _file(baseline)
    if not tf.io.gfile.exists(place) or _file(place) != entry:
        fileio.copy(baseline, place, overwrite=True)
    file = f"{model}/{manifest.NAME}"
    if not tf.io.gfile.exists(file):  # a model from before manifests
        return
    written = _read(file)
    if written.files.get(BASELINE) != entry:
        _write({**written.files, BASELINE: entry}, file)


def whole(artifact: types.Artifact) -> str | None:
    """The digest of the model as the Trainer made it; raises RunError where it is another now.

    None stands for a model from before manifests.
    """
    digest: str | None = data_window.value_of(artifact, DIGEST)
    model = path_utils.serving_model_path(artifact.uri)
    problem = checked(model, digest)
    if problem:
        raise RunError(
            f"{model} is not what the Trainer made ({problem}): nothing of it is published, "
            "run again, which trains it anew"
        )
    return digest


@contextlib.contextmanager
def judged(model: types.Artifact, blessing: types.Artifact) -> Iterator[None]:
    """Have the blessing name the model's digest, the same before it was judged and after."""
    whole(model)
    yield
    digest = whole(model)
    if digest:
        blessing.set_string_custom_property(DIGEST, digest)


def blessed(model: types.Artifact, blessings: Iterable[types.Artifact]) -> str | None:
    """The model's digest; raises RunError where a blessing names another one's."""
    digest = whole(model)
    for blessing in blessings:
        blessed_digest = data_window.value_of(blessing, DIGEST)
        if digest and blessed_digest != digest:
            raise RunError(
                f"{model.uri} is not what {blessing.type_name} judged: that had the digest "
                f"{(blessed_digest or 'none')[:12]}, this has {digest[:12]}; nothing is published"
            )
    return digest


def checked(model: str, digest: str | None) -> str | None:
    """The first problem of the model's files, or None.

    `digest` is the one that the Trainer noted: a manifest that was renewed with the files differs
    from it. A model from before manifests has neither, and no problem. In a bucket nothing is asked
    for what accompanies the model: a later run may replace it.
    """
    file = f"{model}/{manifest.NAME}"
    if not tf.io.gfile.exists(file):
        return f"{manifest.NAME} is missing" if digest else None
    try:
        written = _read(file)
    except ValueError as error:
        return str(error)
    if digest and written.digest != digest:
        return (
            f"{manifest.NAME} has the digest {written.digest[:12]}, it was made with {digest[:12]}"
        )
    if _is_here(model):
        folder = Path(model)
        return manifest.problem(folder, manifest.inside(folder))
    return next(manifest.differences(written.own_files, dict(_files(model))), None)


def _read(file: str) -> Manifest:
    """The manifest in the file; raises ValueError for a damaged one."""
    with tf.io.gfile.GFile(file, "rb") as content:
        return manifest.decode(content.read(), file)


def _write(files: dict[str, File], file: str) -> Manifest:
    """Write a manifest of the files, in their order."""
    made = Manifest(dict(sorted(files.items())), {})
    with tf.io.gfile.GFile(file, "w") as content:
        content.write(manifest.encode(made))
    return made


def _is_here(model: str) -> bool:
    return "://" not in model


def _files(model: str) -> Iterator[tuple[str, File]]:
    """The model's own files."""
    for folder, _, names in tf.io.gfile.walk(model):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            place = path.removeprefix(f"{model}/")
            if place not in (manifest.NAME, *manifest.ACCOMPANYING):
                yield place, _file(path)


def _file(path: str) -> File:
    content, size = hashlib.sha256(), 0
    with tf.io.gfile.GFile(path, "rb") as file:
        while chunk := file.read(CHUNK):
            content.update(chunk)
            size += len(chunk)
    return File(content.hexdigest(), size)
