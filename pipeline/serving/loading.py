"""Loads a model and asks it once in each way, before any client does."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import manifest
from pipeline.errors import ConfigurationError, RunError
from pipeline.serving import saved_model

if TYPE_CHECKING:
    # It imports TensorFlow, while the port must answer at once.
    from pipeline.serving.engine import Engine

BATCHES = (1, 8, 64)  # of the first answers, which are the slowest


@dataclass(frozen=True)
class Proof:
    """What a model needs beside its files, where not every model is to be served."""

    check: Callable[[Path, str], None]  # of its folder and digest; raises RunError for another
    folder: Callable[[Path], Path]  # where it lies, by the model's folder


@dataclass(frozen=True)
class Model:
    """A model ready to answer, and its origin."""

    engine: "Engine"
    folder: Path
    path: str  # the folder or gs:// URI that was asked for
    digest: str  # SHA-256 of all its files, as its manifest says it
    is_verified: bool  # by a manifest, a given digest or a proof; one from before has none
    phases: str = ""  # how long its load took

    @property
    def name(self) -> str:
        name: str = self.engine.serving["model"]
        return name

    @property
    def version(self) -> str:
        _, _, version = self.path.rstrip("/").rpartition("/")
        return version


class Phases:
    """The seconds of a start, phase by phase."""

    def __init__(self) -> None:
        self._start = self._last_end = time.monotonic()
        self._durations: list[str] = []

    def end(self, phase: str) -> None:
        now = time.monotonic()
        seconds = now - self._last_end
        self._durations.append(f"{phase} {seconds:.2f} s")
        self._last_end = now

    def __str__(self) -> str:
        total = self._last_end - self._start
        durations = ", ".join(self._durations)
        return f"{total:.1f} s ({durations})"


def prepare() -> Phases:
    """Import the libraries of a load, in a process for serving alone."""
    phases = Phases()
    from pipeline.serving import session

    session.import_no_more()
    # A collection looks at none of these again: it would hold up all answers for 0.1 s.
    gc.freeze()
    phases.end("import")
    return phases


def load(
    path: str,
    phases: Phases | None = None,
    digest: str | None = None,
    proof: Proof | None = None,
) -> Model:
    """The model in this folder or gs:// URI; raises any error on the way.

    With a `digest` a model of another one is an error, with a `proof` one without it.
    """
    phases = phases or Phases()
    folder = saved_model.fetch(path)
    phases.end("fetch")
    loaded_digest = digest_of(folder)
    _refuse_other(path, loaded_digest, digest)
    if proof is not None:
        proof.check(folder, loaded_digest)
    is_expected = digest is not None or proof is not None
    is_verified = is_expected or manifest.inside(folder).exists()
    phases.end("digest")
    from pipeline.serving.engine import Engine

    engine = Engine(folder)
    phases.end("load")
    for signature in engine.signatures:
        for size in BATCHES:
            engine.predict([engine.sample] * size, signature)
    phases.end("warm-up")
    return Model(engine, folder, path, loaded_digest, is_verified, str(phases))


def _refuse_other(path: str, loaded_digest: str, digest: str | None) -> None:
    if digest is not None and loaded_digest != digest:
        raise RunError(
            f"{path}: the model has the digest {loaded_digest}, allowed is {digest}, "
            "which was judged and registered"
        )


def digest_of(folder: Path) -> str:
    """The digest of the model's files, from their checked manifest if there is one."""
    file = manifest.inside(folder)
    if file.exists():
        return manifest.read(file).digest
    return manifest.of(folder).digest  # published by others, or before there were manifests


def unverified(model: Model) -> str:
    """The sentence of a model from before manifests."""
    return f"{model.name}, version {model.version}, is unverified: it has no manifest"


def failure(path: str, error: Exception) -> str:
    """The sentence of an error of `load`."""
    if isinstance(error, ConfigurationError | RunError):
        return str(error)
    lines = str(error).strip().splitlines()
    first_line = lines[0] if lines else type(error).__name__
    return f"{path}: cannot be served: {first_line}"
