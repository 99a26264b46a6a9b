"""Serves the newest published version: loads it beside the old one, then swaps.

A folder that can't be served leaves the old model where it is; it is said once, counted, and
looked at again when something in it has changed. So does a folder that goes away: an older version
takes over by a restart alone.
"""

import contextlib
import gc
import sys
import threading
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.serving import loading, saved_model
from pipeline.serving.application import Application

SECONDS = 1.0  # between two looks

State = tuple[tuple[str, int, int], ...]  # each path, with its size and last change in ns


class Versions:
    """A thread on watch over the folder of a model's published versions."""

    def __init__(
        self, published: Path, application: Application, proof: loading.Proof | None = None
    ) -> None:
        self._published = published
        self._application = application
        self._proof = proof
        self._served_number = -1
        self._last_state: State = ()  # at the last look
        self._tried_state: State = ()  # when it was last tried to serve

    def watch(self, first_version: Path) -> None:
        self._served_number = int(first_version.name)
        self._last_state = self._tried_state = self._state(first_version)
        threading.Thread(target=self._work, name="versions", daemon=True).start()

    def _work(self) -> None:
        pause = threading.Event()
        while not pause.wait(SECONDS) and not self._application.draining:
            newest = saved_model.newest(self._published)
            if newest is not None and int(newest.name) >= self._served_number:
                self._look_at(newest)

    def _look_at(self, folder: Path) -> None:
        """Try a version once it rests, unless it was already tried in this state.

        One that is copied file by file is so tried once, when it is whole.
        """
        state = self._state(folder)
        resting = state == self._last_state
        self._last_state = state
        if resting and state != self._tried_state:
            self._tried_state = state
            self._try(folder)

    def _state(self, folder: Path) -> State:
        """The state of the version and of its proof, which comes later than it."""
        proofs = [self._proof.folder(folder)] if self._proof else []
        return _state_of(folder, *proofs)

    def _try(self, folder: Path) -> None:
        try:
            model = self._swap(str(folder))
        except Exception as error:  # whatever it is, the old model answers on
            self._application.metrics.refused_version()
            _say(f"{loading.failure(str(folder), error)}; the old version serves on")
            return
        self._served_number = int(folder.name)
        gc.collect()  # TensorFlow's graphs hold themselves in circles
        _say(f"version {folder.name} serves now")
        if not model.is_verified:
            _say(loading.unverified(model))

    def _swap(self, path: str) -> loading.Model:
        model = loading.load(path, proof=self._proof)
        served_name = self._application.model_name
        if model.name != served_name:
            raise ConfigurationError(
                f"{path}: the model is {model.name}, allowed is {served_name}, which serves"
            )
        self._application.serve(model)
        return model


def _state_of(*folders: Path) -> State:
    entries = []
    paths = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    for path in paths:
        with contextlib.suppress(OSError):  # it has gone away meanwhile
            status = path.stat()
            entries.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(sorted(entries))


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
