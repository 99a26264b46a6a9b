"""The import of TensorFlow and what stands on it, which takes most of a short run."""

import contextlib
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from pipeline.progress import everything_else_to


def load() -> None:
    """Import what greets on standard error, in C++ and before anyone can tell it not to, with its greeting left out.

    Without Python's collector, which would walk all that is imported again and again, a quarter of the time. Frozen, so that the imports after it are
    not walked with the rest; spared_work thaws it when a run's nodes are done.
    """
    gc.disable()
    try:
        with everything_else_to(Path(os.devnull)):
            import tensorflow_data_validation  # noqa: F401
        gc.freeze()
    finally:
        gc.enable()


@contextlib.contextmanager
def spared_work() -> Iterator[None]:
    """Keep Python from walking the imported libraries at each collection, and Beam from reading each DoFn's signatures seven times (15 % of a run)."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    from apache_beam.transforms import userstate

    read, known = userstate.get_dofn_specs, {}

    def get_dofn_specs(do_fn: Any) -> Any:
        if id(do_fn) not in known:
            known[id(do_fn)] = (do_fn, read(do_fn))  # kept beside its specs, so that no other can take its id
        return known[id(do_fn)][1]

    try:
        with mock.patch.object(userstate, "get_dofn_specs", get_dofn_specs):
            yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
