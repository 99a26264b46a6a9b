"""A missing token says nothing of a version, and takes no release back."""

from dataclasses import replace

import pytest
from google.auth.exceptions import RefreshError
from google.cloud import aiplatform

from pipeline.delivery import traffic
from pipeline.errors import CredentialsError
from pipeline.gcp.endpoints import Question, endpoint_of
from pipeline.gcp.stage import Stage
from settings import Serving
from tests.pipeline.delivery.conftest import DEV, push_version

WARM = replace(DEV, serving=Serving(keep_warm=True, step_minutes=0, traffic_steps=(50, 100)))
QUESTION = Question({"fare": 1.0}, ("serving_default",))


@pytest.fixture
def ids(google) -> dict[str, str]:
    """Two deployed versions; the older one has all the traffic."""
    stage = Stage(WARM)
    return {number: push_version(stage, number) for number in ("1", "2")}


def release(ids: dict[str, str]) -> None:
    endpoint = endpoint_of(Stage(WARM), "cab")
    traffic.introduce(endpoint, ids["2"], ids["1"], QUESTION, lambda *_: None, lambda: None)


def test_a_release_without_a_token_stays_at_its_step_and_goes_on_from_there(ids, monkeypatch):
    with monkeypatch.context() as revoked:
        revoked.setattr(aiplatform.Endpoint, "predict", _refuse)
        with pytest.raises(CredentialsError, match="no valid Google credentials"):
            release(ids)
    shares = endpoint_of(Stage(WARM), "cab").shares()

    release(ids)

    assert shares == {ids["1"]: 50, ids["2"]: 50}
    assert endpoint_of(Stage(WARM), "cab").shares() == {ids["2"]: 100}


def _refuse(*_, **__):
    raise RefreshError("revoked")
