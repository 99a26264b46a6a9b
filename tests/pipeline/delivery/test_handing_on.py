"""Any number of models is handed on to the next stage, though a message's attribute is short."""

import pytest

from pipeline.gcp import pubsub
from pipeline.gcp.stage import Stage
from tests.pipeline.delivery.conftest import STAGING, listen, promotions

COMMIT = "c" * 40
PUBLISH = ":publish"
LONG_NAME = "a" * 512


@pytest.fixture
def listening(google):
    """Google with staging's trigger for promotions."""
    google.main = lambda: COMMIT
    listen(google, STAGING)
    return google


@pytest.fixture
def staging() -> Stage:
    return Stage(STAGING)


def test_sixty_models_are_handed_on_by_one_call_and_each_once(listening, staging):
    models = [f"model_with_a_long_name_{number:02}" for number in range(60)]

    pubsub.ask_to_promote(staging, COMMIT, models)

    first_request, second_request = promotions(listening)
    commit, first_names = first_request
    second_commit, second_names = second_request
    publications = [request for request in listening.requests if PUBLISH in request.path]
    names = ",".join([first_names, second_names])
    assert names.split(",") == models
    assert commit == COMMIT
    assert second_commit == COMMIT
    assert len(publications) == 1


def test_names_that_just_fill_an_attribute_are_one_message(listening, staging):
    pubsub.ask_to_promote(staging, COMMIT, [LONG_NAME[1:], LONG_NAME])

    [request] = promotions(listening)
    _, names = request
    assert len(names) == pubsub.ATTRIBUTE_BYTES


def test_one_letter_more_makes_two_messages(listening, staging):
    pubsub.ask_to_promote(staging, COMMIT, [LONG_NAME, LONG_NAME])

    request = (COMMIT, LONG_NAME)
    assert promotions(listening) == [request, request]
