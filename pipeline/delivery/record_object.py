"""Reads and changes the record in its bucket.

A change is written only over what it was made from, so that no writer undoes another's.
"""

from collections.abc import Callable

from google.api_core import exceptions, retry

from pipeline.delivery.record import EMPTY, Model, Record, decode, encode
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp.clients import patiently
from pipeline.gcp.protocols import Bucket
from pipeline.gcp.stage import Stage
from settings.artifacts import RECORD as NAME

CONTENDED_SECONDS = 60.0  # Cloud Storage takes about one write a second of one object


def uri(stage: Stage) -> str:
    return f"{stage.names.artifacts_uri}/{NAME}"


def read(stage: Stage) -> Record:
    """Return the stage's record, or the empty one if there is none yet.

    Raises RunError for a damaged or a newer one.
    """
    with stage.asking_bucket():
        record, _ = patiently(lambda: _read(stage.artifacts, uri(stage)))
        return record


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

    `change` is called again on what another writer left, and after a lost answer on its own
    result: done twice, it must do no more than once.
    """

    def attempt() -> Record:
        record, generation = _read(stage.artifacts, uri(stage))
        new_record = change(record)
        if new_record != record:
            content = encode(new_record)
            stage.artifacts.blob(NAME).upload_from_string(
                content, content_type="application/json", if_generation_match=generation
            )
        return new_record

    retry_policy = retry.Retry(
        retry.if_exception_type(exceptions.PreconditionFailed),
        initial=0.2,
        maximum=3.0,
        timeout=CONTENDED_SECONDS,
    )
    with stage.asking_bucket():
        try:
            record: Record = retry_policy(lambda: patiently(attempt))()
            return record
        except exceptions.RetryError as error:
            if not isinstance(error.cause, exceptions.PreconditionFailed):
                raise
            raise RunError(
                f"{uri(stage)} was changed by others for {CONTENDED_SECONDS:g} seconds on end: "
                "run it again"
            ) from error


def _read(bucket: Bucket, uri: str) -> tuple[Record, int]:
    """Return the record and its generation, or the empty one and 0.

    0 stands for a record that does not exist.
    """
    blob = bucket.blob(NAME)
    try:
        content = blob.download_as_bytes()
    except exceptions.NotFound:
        # not found as well, where it is the bucket that is missing: that is no empty record
        list(bucket.list_blobs(prefix=NAME))
        return EMPTY, 0
    # int: written over None, there would be no precondition
    return decode(content, uri), int(blob.generation or 0)
