"""Serves the newest published version: loads each new one beside the one that answers, then swaps.

A folder that can't be served leaves the old model where it is; it is said once, counted, and
looked at again when something in it has changed.
"""

import gc
import sys
import threading
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.serving import loading, saved_model
from pipeline.serving.application import Application

SECONDS = 1.0  # between two looks

State = tuple[str, int]  # a version's name, and when something in it last changed, in ns


class Versions:
    """A thread that watches the folder of a model's published versions."""

    def __init__(self, published: Path, application: Application) -> None:
        self._published = published
        self._application = application

    def watch(self, first_version: Path) -> None:
        state = _state(first_version)
        threading.Thread(target=self._work, args=(state,), name="versions", daemon=True).start()

    def _work(self, last_state: State) -> None:
        pause = threading.Event()
        while not pause.wait(SECONDS) and not self._application.draining:
            newest = saved_model.newest(self._published)
            if newest is None:
                continue
            state = _state(newest)
            if state != last_state:
                last_state = state
                self._try(newest)

    def _try(self, folder: Path) -> None:
        try:
            self._swap(str(folder))
        except Exception as error:  # whatever it is, the old model answers on
            self._application.metrics.refused_version()
            _say(f"{loading.failure(str(folder), error)}; the old version serves on")
            return
        gc.collect()  # TensorFlow's graphs hold themselves in circles
        _say(f"version {folder.name} serves now")

    def _swap(self, path: str) -> None:
        model = loading.load(path)
        served_name = self._application.model_name
        if model.name != served_name:
            raise ConfigurationError(
                f"{path}: the model is {model.name}, allowed is {served_name}, which serves"
            )
        self._application.serve(model)


def _state(folder: Path) -> State:
    times = []
    for path in folder.rglob("*"):
        times.append(path.stat().st_mtime_ns)
    return folder.name, max(times, default=0)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
