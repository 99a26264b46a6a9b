"""A refusal of Google's becomes one sentence with the request's subject.

What is only overloaded or lost is asked again.
"""

import pytest
import requests
from google.api_core import exceptions
from google.auth import exceptions as auth

from environments import ENVIRONMENTS
from pipeline.errors import RunError
from pipeline.gcp import clients
from pipeline.gcp.stage import Stage

DEV = ENVIRONMENTS["dev"]


def unfetched_token() -> auth.RefreshError:
    """As google.auth.compute_engine raises it."""
    error = auth.RefreshError("x")
    error.__cause__ = auth.TransportError("x")
    return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            exceptions.NotFound("gone"),
            "the thing is not there in mill-dev: `make doctor env=dev` says what is missing",
        ),
        (
            exceptions.Forbidden("no right"),
            r"the thing: Google refuses it in mill-dev \(no right\): `make doctor env=dev`",
        ),
        (exceptions.Unauthorized("who?"), "the thing: Google refuses it in mill-dev"),
        (exceptions.Conflict("twice"), "the thing: Google answered 409: twice"),
        (exceptions.TooManyRequests("slowly"), "the thing: Google answered 429: slowly"),
        (
            auth.DefaultCredentialsError("none"),
            "there are no valid Google credentials: run `gcloud auth application-default login`",
        ),
        (
            auth.RefreshError("expired"),
            "there are no valid Google credentials: run `gcloud auth application-default login`",
        ),
        (
            auth.TransportError("no metadata server"),
            r"the thing: no token could be fetched from Google \(no metadata server\)",
        ),
        (requests.ConnectionError("cut"), "the thing: Google could not be reached"),
        (exceptions.RetryError("tired", cause=None), "the thing: Google could not be reached"),
    ],
)
def test_a_refusal_is_one_sentence(error, says):
    with pytest.raises(RunError, match=says), Stage(DEV).asking("the thing"):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        exceptions.TooManyRequests("x"),
        exceptions.ServiceUnavailable("x"),
        requests.ConnectionError("x"),
        auth.TransportError("x"),
        auth.RefreshError("x", retryable=True),
        unfetched_token(),
    ],
)
def test_what_may_pass_is_asked_again(error):
    errors = [error, error]

    def call():
        if errors:
            raise errors.pop()
        return "answer"

    assert clients.patiently(call) == "answer"


@pytest.mark.parametrize("error", [exceptions.Forbidden("no"), auth.RefreshError("revoked")])
def test_what_will_not_pass_is_asked_once(error):
    calls = []

    def call():
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        clients.patiently(call)
    assert calls == [1]
