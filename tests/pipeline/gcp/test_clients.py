"""A refusal of Google's becomes one sentence with the request's subject.

What is only overloaded or lost is asked again.
"""

import pytest
import requests
from google.api_core import exceptions
from google.auth import exceptions as auth

from environments import ENVIRONMENTS
from pipeline.errors import CredentialsError, RunError
from pipeline.gcp import bigquery, clients
from pipeline.gcp.stage import Stage

DEV = ENVIRONMENTS["dev"]
NO_CREDENTIALS = (
    "there are no valid Google credentials: run `gcloud auth application-default login`"
)
NOT_FOUND = exceptions.NotFound("gone")
FORBIDDEN = exceptions.Forbidden("no right")
UNAUTHORIZED = exceptions.Unauthorized("who?")
CONFLICT = exceptions.Conflict("twice")
OVERLOADED = exceptions.TooManyRequests("slowly")
UNAVAILABLE = exceptions.ServiceUnavailable("x")
WITHOUT_CREDENTIALS = auth.DefaultCredentialsError("none")
EXPIRED = auth.RefreshError("expired")
DISCONNECTED = requests.ConnectionError("cut")
TIRED = exceptions.RetryError("tired", cause=None)
NO_METADATA_SERVER = auth.TransportError("no metadata server")
NO_EXCHANGE = auth.OAuthError("no exchange of tokens")  # of workload identity federation
TIRED_OF_TOKENS = exceptions.RetryError("tired", cause=NO_METADATA_SERVER)
RETRYABLE = auth.RefreshError("x", retryable=True)


def unfetched_token() -> auth.RefreshError:
    """As google.auth.compute_engine raises it."""
    error = auth.RefreshError("x")
    error.__cause__ = NO_METADATA_SERVER
    return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            NOT_FOUND,
            "the thing is not there in mill-dev: `make doctor env=dev` says what is missing",
        ),
        (
            FORBIDDEN,
            r"the thing: Google refuses it in mill-dev \(no right\): `make doctor env=dev`",
        ),
        (UNAUTHORIZED, "the thing: Google refuses it in mill-dev"),
        (CONFLICT, "the thing: Google answered 409: twice"),
        (OVERLOADED, "the thing: Google answered 429: slowly"),
        (WITHOUT_CREDENTIALS, NO_CREDENTIALS),
        (EXPIRED, rf"{NO_CREDENTIALS} \(expired\)"),
        (NO_EXCHANGE, rf"{NO_CREDENTIALS} \(no exchange of tokens\)"),
        (NO_METADATA_SERVER, "no token could be fetched from Google .no metadata server."),
        (DISCONNECTED, "the thing: Google could not be reached"),
        (TIRED, "the thing: Google could not be reached"),
    ],
)
def test_a_refusal_is_one_sentence(error, says):
    stage = Stage(DEV)

    with pytest.raises(RunError, match=says), stage.asking("the thing"):
        raise error


@pytest.fixture
def without_credentials(monkeypatch, tmp_path):
    """A machine on which nobody has signed in."""
    for variable in ("STORAGE_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")


@pytest.mark.usefixtures("without_credentials")
@pytest.mark.parametrize("client", ["artifacts", "bigquery"])
def test_a_client_without_credentials_is_one_sentence(client):
    with pytest.raises(CredentialsError, match=NO_CREDENTIALS):
        getattr(Stage(DEV), client)


@pytest.mark.usefixtures("without_credentials")
def test_a_client_of_a_table_without_credentials_is_one_sentence():
    with pytest.raises(CredentialsError, match=f"the table a.b.c: {NO_CREDENTIALS}"):
        bigquery.client_of("a.b.c")


@pytest.mark.parametrize("error", [NO_METADATA_SERVER, TIRED_OF_TOKENS, NO_EXCHANGE, EXPIRED])
def test_a_lacking_token_is_told_from_what_google_says(error):
    """Without a token a release stays at its step; refused by Google it goes back."""
    stage = Stage(DEV)

    with pytest.raises(CredentialsError), stage.asking("the thing"):
        raise error


@pytest.mark.parametrize(
    "error",
    [OVERLOADED, UNAVAILABLE, DISCONNECTED, NO_METADATA_SERVER, RETRYABLE, unfetched_token()],
)
def test_what_may_pass_is_asked_again(error):
    errors = [error, error]

    def call():
        if errors:
            raise errors.pop()
        return "answer"

    answer = clients.patiently(call)

    assert answer == "answer"


@pytest.mark.parametrize("error", [FORBIDDEN, EXPIRED])
def test_what_will_not_pass_is_asked_once(error):
    calls = []

    def call():
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        clients.patiently(call)
    assert calls == [1]
