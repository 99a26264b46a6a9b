"""A model without its folder is still served: push says so and names the command to end it."""

import pytest

from tests.pipeline.delivery.conftest import BEGIN, FIRST, add_delivery
from tests.pipeline.delivery.pushed_commits import push, pushed, record_commit

FERRY = "models/ferry/model.toml"
SENTENCE = (
    "models/cab is gone and dev still serves it: `python3 -m pipeline release retire cab --env dev`"
)
REMOVED = {"models/cab/model.toml": None, "models/cab/model.py": None}


@pytest.fixture
def delivered(main, cloud, dev):
    """Dev serves cab of main's head; the head holds ferry's folder too."""
    commit = pushed(main, {**BEGIN, FERRY: ""})
    record_commit(dev, commit)
    add_delivery(dev, "cab", FIRST)


def test_a_push_that_starts_nothing_says_so(main, delivered):
    pushed(main, REMOVED)

    result = push(main)

    assert result.started is False
    assert result.message.endswith(SENTENCE)


def test_a_push_that_starts_a_build_says_so_too(main, delivered):
    pushed(main, {**REMOVED, FERRY: "edited"})

    result = push(main)

    assert result.started is True
    assert result.message.endswith(SENTENCE)


def test_nothing_is_said_of_a_model_that_was_never_served(main, delivered):
    pushed(main, {FERRY: None})

    result = push(main)

    assert "is gone" not in result.message


def test_nothing_is_said_of_models_that_stay(main, delivered):
    pushed(main, {"models/cab/model.py": "edited"})

    result = push(main)

    assert "is gone" not in result.message
