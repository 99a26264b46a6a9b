"""Reads and changes the record in its bucket.

A change is written only over what it was made from, so that no writer undoes another's.
"""

from collections.abc import Callable

from pipeline.delivery.record import EMPTY, Model, Record, decode, encode
from pipeline.delivery.shared_object import SharedObject
from pipeline.errors import ConfigurationError
from pipeline.gcp.stage import Stage
from settings.artifacts import RECORD as NAME

OBJECT = SharedObject(NAME, EMPTY, decode, encode)


def uri(stage: Stage) -> str:
    return OBJECT.uri(stage)


def read(stage: Stage) -> Record:
    """Return the stage's record, or the empty one if there is none yet.

    Raises RunError for a damaged or a newer one.
    """
    return OBJECT.read(stage)


def recorded_model(stage: Stage, model: str) -> Model:
    models = read(stage).models
    if model not in models:
        allowed = ", ".join(sorted(models)) or "none yet"
        raise ConfigurationError(
            f"there is no model {model!r} delivered to {stage.name}, allowed are {allowed}"
        )
    return models[model]


def update(stage: Stage, change: Callable[[Record], Record]) -> Record:
    """Write the record as `change` returns it, and return it.

    Done twice, `change` must do no more than once: SharedObject.update.
    """
    return OBJECT.update(stage, change)
