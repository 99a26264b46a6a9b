"""Makes Google's clients, at Google's addresses or at others.

The environment's variables may name other addresses: those that Terraform's provider would ask,
too.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pipeline.gcp.protocols import BigQuery, CloudBuild, Response

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TRANSIENT = (429, 500, 502, 503, 504)
PATIENCE_SECONDS = 120.0
ANSWER_SECONDS = 60
RETRIES = 5
Answer = TypeVar("Answer")


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


def bigquery(project: str, region: str) -> BigQuery:
    """Return a google.cloud.bigquery client; its jobs run in `region`.

    It reads BIGQUERY_EMULATOR_HOST by itself.
    """
    from google.cloud import bigquery as library

    options = {"credentials": _anonymous()} if os.environ.get("BIGQUERY_EMULATOR_HOST") else {}
    client: BigQuery = library.Client(project=project, location=region, **options)
    return client


def cloud_build(region: str) -> CloudBuild:
    """Return the client of one region's triggers and builds."""
    from google.cloud.devtools import cloudbuild_v1
    from google.cloud.devtools.cloudbuild_v1.services.cloud_build.transports import (
        CloudBuildRestTransport,
    )

    custom_address = os.environ.get("GOOGLE_CLOUD_BUILD_CUSTOM_ENDPOINT", "").rstrip("/")
    client: CloudBuild
    if custom_address:
        transport = CloudBuildRestTransport(host=custom_address, credentials=_anonymous())
        client = cloudbuild_v1.CloudBuildClient(transport=transport)
    else:
        regional_address = {"api_endpoint": f"{region}-cloudbuild.googleapis.com"}
        client = cloudbuild_v1.CloudBuildClient(client_options=regional_address, transport="rest")
    return client


def kms() -> Any:
    """Return the client of Cloud KMS; over REST, where a refusal is the same as a stand-in's."""
    from google.cloud import kms_v1
    from google.cloud.kms_v1.services.key_management_service.transports import (
        KeyManagementServiceRestTransport,
    )

    custom_address = os.environ.get("GOOGLE_KMS_CUSTOM_ENDPOINT", "").rstrip("/")
    if custom_address:
        transport = KeyManagementServiceRestTransport(host=custom_address, credentials=_anonymous())
        return kms_v1.KeyManagementServiceClient(transport=transport)
    return kms_v1.KeyManagementServiceClient(transport="rest")


class RestApi:
    """An API that Google has no REST client for, behind an authorized HTTP session.

    `endpoint_variable` names the environment's variable that replaces `address`. Every method is
    tried again up to `retries` times, so that these are 0 where twice does more than once.
    """

    def __init__(self, endpoint_variable: str, address: str, *, retries: int = RETRIES) -> None:
        custom_address = os.environ.get(endpoint_variable)
        self._http = _session(is_anonymous=bool(custom_address), retries=retries)
        self._base = (custom_address or address).rstrip("/")

    def url(self, path: str) -> str:
        """Return the address of `path`, or `path` itself where it is a whole address."""
        return path if "://" in path else f"{self._base}/{path}"

    def request(self, method: str, path: str, **arguments: Any) -> Response:
        """Return any answer, a refusal as well."""
        response: Response = self._http.request(method, self.url(path), **arguments)
        return response

    def get(self, path: str, **arguments: Any) -> Response:
        return answered(self.request("GET", path, timeout=ANSWER_SECONDS, **arguments))

    def post(self, path: str, **arguments: Any) -> Response:
        return answered(self.request("POST", path, timeout=ANSWER_SECONDS, **arguments))

    def pages(self, path: str, parameters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Yield the pages of a listing.

        One may be empty and another follow: only a missing token ends it
        (https://google.aip.dev/158).
        """
        token = ""
        while True:
            page_parameters = {**parameters, "pageToken": token} if token else parameters
            page = self.get(path, params=page_parameters).json()
            yield page
            token = page.get("nextPageToken", "")
            if not token:
                return


def _session(*, is_anonymous: bool, retries: int) -> Any:
    import google.auth
    from google.auth.transport.requests import AuthorizedSession
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    credentials = _anonymous() if is_anonymous else google.auth.default(scopes=[SCOPE])[0]
    http = AuthorizedSession(credentials)
    retry_policy = Retry(
        total=retries,
        backoff_factor=0.3,
        status_forcelist=TRANSIENT,
        allowed_methods=None,
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        http.mount(scheme, HTTPAdapter(max_retries=retry_policy))
    return http


def answered(response: Response) -> Response:
    """Return the response, unless it is an error.

    An error is raised as the one that Google's clients raise.
    """
    from google.api_core import exceptions

    if not response.ok:
        raise exceptions.from_http_response(response)
    return response


def patiently(call: Callable[[], Answer]) -> Answer:
    """Retry the call while Google is overloaded or unreachable; `call` must be idempotent."""
    from google.api_core import retry

    retry_policy = retry.Retry(_is_transient, initial=0.3, maximum=20, timeout=PATIENCE_SECONDS)
    answer: Answer = retry_policy(call)()
    return answer


def _is_transient(error: BaseException) -> bool:
    """Say whether the same call may be answered soon.

    A token that could not be fetched from the machine's own metadata server is a RefreshError
    around a TransportError (google.auth.compute_engine.credentials).
    """
    from google.api_core import exceptions
    from google.auth import exceptions as auth
    from requests.exceptions import ConnectionError, Timeout

    if isinstance(error, auth.RefreshError):
        return error.retryable or isinstance(error.__cause__, auth.TransportError)
    overload_errors = (exceptions.TooManyRequests, exceptions.ServiceUnavailable)
    failure_errors = (
        exceptions.InternalServerError,
        exceptions.BadGateway,
        exceptions.GatewayTimeout,
    )
    lost_errors = (ConnectionError, Timeout, auth.TransportError)
    return isinstance(error, (*overload_errors, *failure_errors, *lost_errors))


def _anonymous() -> Any:
    from google.auth.credentials import AnonymousCredentials

    return AnonymousCredentials()
