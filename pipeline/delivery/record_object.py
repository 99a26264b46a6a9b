"""Reads and changes the record where it lies; a change is written only over what it was made from, so that no writer undoes another's."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from google.api_core import exceptions, retry
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage

from pipeline.delivery.record import EMPTY, Record, decode, encode
from pipeline.errors import RunError
from settings import Settings

NAME = "delivery.json"
CONTENDED_SECONDS = 60.0  # Cloud Storage takes about one write a second of one object


def uri(settings: Settings) -> str:
    return f"{settings.names.artifacts_uri}/{NAME}"


def read(settings: Settings) -> Record:
    """The stage's record, the empty one where there is none yet; RunError for a damaged or a newer one."""
    with _told(settings):
        return _read(_bucket(settings), uri(settings))[0]


def update(settings: Settings, change: Callable[[Record], Record]) -> Record:
    """Write what `change` makes of the record, and return it.

    `change` is called again on what another writer left, and after a lost answer on its own result: done twice, it must do no more than once.
    """

    def once() -> Record:
        record, generation = _read(bucket, uri(settings))
        changed = change(record)
        if changed != record:
            content = encode(changed)
            bucket.blob(NAME).upload_from_string(content, content_type="application/json", if_generation_match=generation)
        return changed

    again = retry.Retry(retry.if_exception_type(exceptions.PreconditionFailed), initial=0.2, maximum=3.0, timeout=CONTENDED_SECONDS)
    with _told(settings):
        bucket = _bucket(settings)
        changed: Record = again(once)()
        return changed


def _bucket(settings: Settings) -> Any:
    return storage.Client(project=settings.project_id).bucket(settings.names.bucket("artifacts"))


def _read(bucket: Any, uri: str) -> tuple[Record, int]:
    """The record and its generation, which is 0 for one that does not exist."""
    blob = bucket.blob(NAME)
    try:
        content = blob.download_as_bytes()
    except exceptions.NotFound:
        list(bucket.list_blobs(prefix=NAME))  # not found as well, where it is the bucket that is missing: that is no empty record
        return EMPTY, 0
    return decode(content, uri), int(blob.generation)  # int: written over None, there would be no precondition


@contextlib.contextmanager
def _told(settings: Settings) -> Iterator[None]:
    """What Cloud Storage and Google's clients raise, as one sentence."""
    doctor = f"`make doctor env={settings.stage}` tells what is missing"
    try:
        yield
    except exceptions.NotFound as error:
        raise RunError(
            f"there is no bucket {settings.names.bucket('artifacts')}: deploy {settings.stage}'s foundation, {doctor}"
        ) from error
    except exceptions.Forbidden as error:
        raise RunError(f"{uri(settings)}: this account may not use it ({_line(error)}); {doctor}") from error
    except GoogleAuthError as error:
        raise RunError(f"Google does not know who asks ({_line(error)}): run `gcloud auth application-default login`") from error
    except exceptions.GoogleAPIError as error:
        cause = error.cause if isinstance(error, exceptions.RetryError) else error
        raise RunError(f"{uri(settings)}: Cloud Storage did not do it ({_line(cause or error)}); run it again") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
