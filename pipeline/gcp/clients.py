"""Makes Google's clients, at Google's addresses or at others.

The environment's variables may name other addresses: those that Terraform's provider would ask,
too.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.errors import RunError, UnreachableError
from settings import Settings

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TRANSIENT = (429, 500, 502, 503, 504)
PATIENCE_SECONDS = 120.0


def vertex(project: str, region: str) -> Any:
    """Return the module google.cloud.aiplatform, set to one project and region."""
    from google.cloud import aiplatform  # seconds to import, and only what asks Vertex needs it

    if custom_address := os.environ.get("GOOGLE_VERTEX_AI_CUSTOM_ENDPOINT", "").rstrip("/"):
        aiplatform.init(
            project=project,
            location=region,
            api_endpoint=custom_address,
            api_transport="rest",
            credentials=_anonymous(),
        )
    else:
        aiplatform.init(project=project, location=region)
    return aiplatform


def storage(project: str) -> Any:
    """Return a google.cloud.storage client; it reads STORAGE_EMULATOR_HOST by itself."""
    from google.cloud import storage as library

    options = {"credentials": _anonymous()} if os.environ.get("STORAGE_EMULATOR_HOST") else {}
    return library.Client(project=project, **options)


def bigquery(project: str, region: str) -> Any:
    """Return a google.cloud.bigquery client; its jobs run in `region`.

    It reads BIGQUERY_EMULATOR_HOST by itself.
    """
    from google.cloud import bigquery as library

    options = {"credentials": _anonymous()} if os.environ.get("BIGQUERY_EMULATOR_HOST") else {}
    return library.Client(project=project, location=region, **options)


def cloud_build(region: str) -> Any:
    """Return the client of one region's triggers and builds."""
    from google.cloud.devtools import cloudbuild_v1
    from google.cloud.devtools.cloudbuild_v1.services.cloud_build.transports import (
        CloudBuildRestTransport,
    )

    if custom_address := os.environ.get("GOOGLE_CLOUD_BUILD_CUSTOM_ENDPOINT", "").rstrip("/"):
        transport = CloudBuildRestTransport(host=custom_address, credentials=_anonymous())
        return cloudbuild_v1.CloudBuildClient(transport=transport)
    return cloudbuild_v1.CloudBuildClient(
        client_options={"api_endpoint": f"{region}-cloudbuild.googleapis.com"}, transport="rest"
    )


def session(endpoint_variable: str, address: str) -> tuple[Any, str]:
    """Return an authorized HTTP session for an API, and its base address.

    Google has no REST client for the API. The address has no slash at its end. `endpoint_variable`
    names the environment's variable that replaces `address`.
    """
    import google.auth
    from google.auth.transport.requests import AuthorizedSession
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    custom_address = os.environ.get(endpoint_variable)
    credentials = _anonymous() if custom_address else google.auth.default(scopes=[SCOPE])[0]
    http = AuthorizedSession(credentials)
    retries = Retry(
        total=5,
        backoff_factor=0.3,
        status_forcelist=TRANSIENT,
        allowed_methods=None,
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        http.mount(scheme, HTTPAdapter(max_retries=retries))
    return http, (custom_address or address).rstrip("/")


def answered(response: Any) -> Any:
    """Return the response, unless it is an error.

    An error is raised as the one that Google's clients raise.
    """
    from google.api_core import exceptions

    if not response.ok:
        raise exceptions.from_http_response(response)
    return response


def patiently(call: Callable[[], Any]) -> Any:
    """Call again while Google is overloaded, away or lost on the way.

    `call` must do no more twice than once.
    """
    from google.api_core import exceptions, retry
    from requests.exceptions import ConnectionError, Timeout

    overload_errors = (exceptions.TooManyRequests, exceptions.ServiceUnavailable)
    failure_errors = (
        exceptions.InternalServerError,
        exceptions.BadGateway,
        exceptions.GatewayTimeout,
        ConnectionError,
        Timeout,
    )
    is_transient = retry.if_exception_type(*overload_errors, *failure_errors)
    retry_policy = retry.Retry(is_transient, initial=0.3, maximum=20, timeout=PATIENCE_SECONDS)
    return retry_policy(call)()


@contextmanager
def asking(what: str, settings: Settings) -> Iterator[None]:
    """Turn a refusal of Google's into one sentence.

    Google's clients have tried again by then where that could help.
    """
    from google.api_core import exceptions
    from google.auth import exceptions as auth

    doctor = f"`make doctor env={settings.stage}` says what is missing"
    try:
        yield
    except exceptions.NotFound as error:
        raise RunError(f"{what} is not there in {settings.project_id}: {doctor}") from error
    except (exceptions.Forbidden, exceptions.Unauthorized) as error:
        raise RunError(
            f"{what}: Google refuses it in {settings.project_id} ({error.message}): {doctor}"
        ) from error
    except (auth.DefaultCredentialsError, auth.RefreshError) as error:
        raise RunError(
            f"{what}: there are no valid Google credentials: "
            "run `gcloud auth application-default login`"
        ) from error
    except exceptions.GoogleAPICallError as error:
        raise RunError(f"{what}: Google answered {error.code}: {error.message}") from error
    except (exceptions.RetryError, OSError) as error:
        raise UnreachableError(f"{what}: Google could not be reached ({error})") from error


def _anonymous() -> Any:
    from google.auth.credentials import AnonymousCredentials

    return AnonymousCredentials()
