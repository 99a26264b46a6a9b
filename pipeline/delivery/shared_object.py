"""An object of a stage's artifacts bucket that several write, each over what it has read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.api_core import exceptions, retry

from pipeline.errors import RunError
from pipeline.gcp.clients import patiently
from pipeline.gcp.stage import Stage

Content = TypeVar("Content")
CONTENDED_SECONDS = 60.0  # Cloud Storage takes about one write a second of one object


@dataclass(frozen=True)
class SharedObject(Generic[Content]):
    """Reads and changes it; a change is written only over what it was made from.

    `decode` gets the object's address too, for its errors.
    """

    name: str
    empty: Content
    decode: Callable[[bytes, str], Content]
    encode: Callable[[Content], bytes]

    def uri(self, stage: Stage) -> str:
        return f"{stage.names.artifacts_uri}/{self.name}"

    def read(self, stage: Stage) -> Content:
        """The content, or the empty one where there is no object yet."""
        with stage.asking_bucket():
            content, _ = patiently(lambda: self._read(stage))
            return content

    def update(self, stage: Stage, change: Callable[[Content], Content]) -> Content:
        """Write the content as `change` returns it, and return it.

        `change` is called again on what another writer left, and after a lost answer on its own
        result: done twice, it must do no more than once.
        """

        def attempt() -> Content:
            content, generation = self._read(stage)
            new_content = change(content)
            if new_content != content:
                stage.artifacts.blob(self.name).upload_from_string(
                    self.encode(new_content),
                    content_type="application/json",
                    if_generation_match=generation,
                )
            return new_content

        retry_policy = retry.Retry(
            retry.if_exception_type(exceptions.PreconditionFailed),
            initial=0.2,
            maximum=3.0,
            timeout=CONTENDED_SECONDS,
        )
        with stage.asking_bucket():
            try:
                content: Content = retry_policy(lambda: patiently(attempt))()
                return content
            except exceptions.RetryError as error:
                if not isinstance(error.cause, exceptions.PreconditionFailed):
                    raise
                raise RunError(
                    f"{self.uri(stage)} was changed by others for {CONTENDED_SECONDS:g} seconds "
                    "on end: run it again"
                ) from error

    def _read(self, stage: Stage) -> tuple[Content, int]:
        """The content and its generation; 0 stands for an object that does not exist."""
        blob = stage.artifacts.blob(self.name)
        try:
            content = blob.download_as_bytes()
        except exceptions.NotFound:
            # not found as well, where it is the bucket that is missing: that is no empty content
            list(stage.artifacts.list_blobs(prefix=self.name))
            return self.empty, 0
        # int: written over None, there would be no precondition
        return self.decode(content, self.uri(stage)), int(blob.generation or 0)
