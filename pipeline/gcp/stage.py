"""One stage in the cloud: its settings, and the clients of its project.

A verb makes it once. Each client is made when it is first asked for, so that a stage costs nothing
to name.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Any

from pipeline.errors import CredentialsError, RunError, UnreachableError
from pipeline.gcp import clients
from pipeline.gcp.protocols import BigQuery, Bucket, CloudBuild
from settings import Settings
from settings.names import Names


class Stage:
    """A stage's settings and clients."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def name(self) -> str:
        return self.settings.stage

    @property
    def project(self) -> str:
        return self.settings.project_id

    @property
    def parent(self) -> str:
        """Regional resources are listed and made under this name."""
        return f"projects/{self.project}/locations/{self.settings.region}"

    @cached_property
    def names(self) -> Names:
        return self.settings.names

    @property
    def vertex(self) -> Any:
        """The module google.cloud.aiplatform, set to this stage.

        The module holds one project at a time: read this property before each use.
        """
        return clients.vertex(self.project, self.settings.region)

    @cached_property
    def artifacts(self) -> Bucket:
        with self.asking_bucket():
            client = clients.storage(self.project)
        bucket: Bucket = client.bucket(self.names.bucket("artifacts"))
        return bucket

    @cached_property
    def bigquery(self) -> BigQuery:
        with self.asking("BigQuery"):
            return clients.bigquery(self.project, self.settings.region)

    @cached_property
    def cloud_build(self) -> CloudBuild:
        return clients.cloud_build(self.settings.region)

    @cached_property
    def vertex_rest(self) -> clients.RestApi:
        """For what needs no library, which takes seconds to import; nothing is sent twice."""
        address = f"https://{self.settings.region}-aiplatform.googleapis.com"
        return clients.RestApi("GOOGLE_VERTEX_AI_CUSTOM_ENDPOINT", address, retries=0)

    @cached_property
    def kms(self) -> Any:
        return clients.kms()

    @cached_property
    def cloud_build_rest(self) -> clients.RestApi:
        """For what the client can't say; nothing is sent twice."""
        address = f"https://{self.settings.region}-cloudbuild.googleapis.com"
        return clients.RestApi("GOOGLE_CLOUD_BUILD_CUSTOM_ENDPOINT", address, retries=0)

    @cached_property
    def logging(self) -> clients.RestApi:
        return clients.RestApi("GOOGLE_LOGGING_CUSTOM_ENDPOINT", "https://logging.googleapis.com")

    @cached_property
    def pubsub(self) -> clients.RestApi:
        return clients.RestApi("GOOGLE_PUBSUB_CUSTOM_ENDPOINT", "https://pubsub.googleapis.com")

    @cached_property
    def monitoring(self) -> clients.RestApi:
        return clients.RestApi(
            "GOOGLE_MONITORING_CUSTOM_ENDPOINT", "https://monitoring.googleapis.com"
        )

    @cached_property
    def artifact_registry(self) -> clients.RestApi:
        host, _, _ = self.names.image("pipeline").partition("/")
        return clients.RestApi("REGISTRY_EMULATOR_HOST", f"https://{host}")

    def asking_bucket(self) -> AbstractContextManager[None]:
        """Turn a refusal by the artifacts' bucket into one sentence."""
        return self.asking(f"the bucket {self.names.bucket('artifacts')}")

    @contextmanager
    def asking(self, subject: str) -> Iterator[None]:
        """Turn a refusal of Google's into one sentence about `subject`.

        Google's clients have tried again by then where that could help.
        """
        from google.api_core import exceptions
        from google.auth import exceptions as auth

        doctor = f"`make doctor env={self.name}` says what is missing"
        try:
            yield
        except exceptions.NotFound as error:
            raise RunError(f"{subject} is not there in {self.project}: {doctor}") from error
        except (exceptions.Forbidden, exceptions.Unauthorized) as error:
            raise RunError(
                f"{subject}: Google refuses it in {self.project} ({error.message}): {doctor}"
            ) from error
        except auth.GoogleAuthError as error:
            raise _without_token(subject, error) from error
        except exceptions.GoogleAPICallError as error:
            raise RunError(f"{subject}: Google answered {error.code}: {error.message}") from error
        except exceptions.RetryError as error:
            if isinstance(error.cause, auth.GoogleAuthError):
                raise _without_token(subject, error.cause) from error
            raise _unreachable(subject, error) from error
        except OSError as error:
            raise _unreachable(subject, error) from error


def _without_token(subject: str, error: Exception) -> CredentialsError:
    """Return the error of a question that was not asked.

    A token from another token (workload identity federation) fails by an OAuthError, one that a
    person lacks by a RefreshError or a DefaultCredentialsError.
    """
    from google.auth import exceptions as auth

    reason = error.args[0] if error.args else type(error).__name__
    if isinstance(error, auth.TransportError):
        return CredentialsError(f"{subject}: no token could be fetched from Google ({reason})")
    return CredentialsError(
        f"{subject}: there are no valid Google credentials: "
        f"run `gcloud auth application-default login` ({reason})"
    )


def _unreachable(subject: str, error: Exception) -> UnreachableError:
    return UnreachableError(f"{subject}: Google could not be reached ({error})")
