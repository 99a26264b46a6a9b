"""Google's clients, at Google's addresses or, where the environment names others, at those that Terraform's provider would ask, too."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.errors import RunError
from settings import Settings


def vertex(project: str, region: str) -> Any:
    """The module google.cloud.aiplatform, set to one project and region."""
    from google.auth import credentials
    from google.cloud import aiplatform  # seconds to import, and only what asks Vertex needs it

    if custom := os.environ.get("GOOGLE_VERTEX_AI_CUSTOM_ENDPOINT", "").rstrip("/"):
        anonymous = credentials.AnonymousCredentials()
        aiplatform.init(project=project, location=region, api_endpoint=custom, api_transport="rest", credentials=anonymous)
    else:
        aiplatform.init(project=project, location=region)
    return aiplatform


def storage(project: str) -> Any:
    """A google.cloud.storage client; it reads STORAGE_EMULATOR_HOST by itself."""
    from google.auth import credentials
    from google.cloud import storage as library

    emulated = {"credentials": credentials.AnonymousCredentials()} if os.environ.get("STORAGE_EMULATOR_HOST") else {}
    return library.Client(project=project, **emulated)


def bigquery(project: str, region: str) -> Any:
    """A google.cloud.bigquery client whose jobs run in `region`; it reads BIGQUERY_EMULATOR_HOST by itself."""
    from google.auth import credentials
    from google.cloud import bigquery as library

    emulated = {"credentials": credentials.AnonymousCredentials()} if os.environ.get("BIGQUERY_EMULATOR_HOST") else {}
    return library.Client(project=project, location=region, **emulated)


@contextmanager
def asking(what: str, settings: Settings) -> Iterator[None]:
    """Turn what Google refuses into one sentence; its clients have tried again by then where that could help."""
    from google.api_core import exceptions
    from google.auth import exceptions as auth

    doctor = f"`make doctor env={settings.stage}` says what is missing"
    try:
        yield
    except exceptions.NotFound as error:
        raise RunError(f"{what} is not there in {settings.project_id}: {doctor}") from error
    except (exceptions.Forbidden, exceptions.Unauthorized) as error:
        raise RunError(f"{what}: Google refuses it in {settings.project_id} ({error.message}): {doctor}") from error
    except (auth.DefaultCredentialsError, auth.RefreshError) as error:
        raise RunError(f"{what}: there are no valid Google credentials: run `gcloud auth application-default login`") from error
    except exceptions.GoogleAPICallError as error:
        raise RunError(f"{what}: Google answered {error.code}: {error.message}") from error
    except (exceptions.RetryError, OSError) as error:
        raise RunError(f"{what}: Google could not be reached ({error})") from error
