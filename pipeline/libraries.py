"""The import of TensorFlow and what stands on it, which takes most of a short run."""

import gc
import os
from pathlib import Path

from pipeline.progress import everything_else_to


def load() -> None:
    """Import what greets on standard error, in C++ and before anyone can tell it not to, with its greeting left out.

    Without Python's collector, which would walk all that is imported again and again, a quarter of the time. Frozen, so that the imports after it are
    not walked with the rest; runners thaws it when a run's nodes are done.
    """
    gc.disable()
    try:
        with everything_else_to(Path(os.devnull)):
            import tensorflow_data_validation  # noqa: F401
        gc.freeze()
    finally:
        gc.enable()
