"""Reads and changes the record in its bucket.

A change is written only over what it was made from, so that no writer undoes another's.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from google.api_core import exceptions, retry

from pipeline.delivery.record import EMPTY, Record, decode, encode
from pipeline.errors import RunError
from pipeline.gcp import clients
from settings import Settings

NAME = "delivery.json"
CONTENDED_SECONDS = 60.0  # Cloud Storage takes about one write a second of one object


def uri(settings: Settings) -> str:
    return f"{settings.names.artifacts_uri}/{NAME}"


def read(settings: Settings) -> Record:
    """Return the stage's record, or the empty one if there is none yet.

    Raises RunError for a damaged or a newer one.
    """
    with _asking(settings):
        return _read(_bucket(settings), uri(settings))[0]


def update(settings: Settings, change: Callable[[Record], Record]) -> Record:
    """Write the record as `change` returns it, and return it.

    `change` is called again on what another writer left, and after a lost answer on its own
    result: done twice, it must do no more than once.
    """

    def attempt() -> Record:
        record, generation = _read(bucket, uri(settings))
        new_record = change(record)
        if new_record != record:
            content = encode(new_record)
            bucket.blob(NAME).upload_from_string(
                content, content_type="application/json", if_generation_match=generation
            )
        return new_record

    retry_policy = retry.Retry(
        retry.if_exception_type(exceptions.PreconditionFailed),
        initial=0.2,
        maximum=3.0,
        timeout=CONTENDED_SECONDS,
    )
    with _asking(settings):
        bucket = _bucket(settings)
        try:
            return retry_policy(attempt)()  # type: ignore[no-any-return]
        except exceptions.RetryError as error:
            if not isinstance(error.cause, exceptions.PreconditionFailed):
                raise
            raise RunError(
                f"{uri(settings)} was changed by others for {CONTENDED_SECONDS:g} seconds on end: "
                "run it again"
            ) from error


def _bucket(settings: Settings) -> Any:
    return clients.storage(settings.project_id).bucket(settings.names.bucket("artifacts"))


def _asking(settings: Settings) -> AbstractContextManager[None]:
    return clients.asking(f"the bucket {settings.names.bucket('artifacts')}", settings)


def _read(bucket: Any, uri: str) -> tuple[Record, int]:
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
    return decode(content, uri), int(blob.generation)
