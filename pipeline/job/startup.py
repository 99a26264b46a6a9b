"""Imports TensorFlow and its dependents: most of a short run's time."""

import contextlib
import gc
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.progress import everything_else_to


def load() -> None:
    """Import the libraries without the messages that their C++ code writes to standard error.

    Python's collector would walk all imports again and again, for a quarter of the time. They are
    frozen, so that later imports do not walk them; reduced_garbage_collection thaws them.
    """
    gc.disable()
    try:
        with everything_else_to(Path(os.devnull)):
            import tensorflow_data_validation  # noqa: F401
        gc.freeze()
    finally:
        gc.enable()


@contextlib.contextmanager
def reduced_garbage_collection() -> Iterator[None]:
    """Keep Python's collector from the imported libraries while nodes run."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
