"""A release that meets a rollback, a retirement or another release undoes none of them."""

from dataclasses import replace

import pytest

from pipeline.delivery import history, leftovers, withdrawal
from pipeline.delivery.record import Model
from tests.pipeline.delivery.conftest import FIRST, add_delivery, push_version, recorded_cab
from tests.pipeline.delivery.deliveries import deliver
from tests.standins.google.faults import Fault

SILENT = lambda *_: None  # noqa: E731
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def two(served, warm, endpoint) -> dict[str, str]:
    """Two recorded versions of other commits; the newer one has all the traffic."""
    push_version(warm, "second")
    ids = endpoint.deployed()
    endpoint.split({ids["2"]: 100})
    newer = replace(FIRST, commit="f" * 40, registry_version="2", deployed_model=ids["2"])
    add_delivery(warm, "cab", newer)
    return ids


def deliver_third(commit, observer):
    [verdict] = deliver(commit, observer=observer)
    return verdict


def once_at(step, action):
    """An observer to act once, at the first start of the step."""
    actions = [action]

    def observe(node, state):
        begins = state == "running" and node.startswith(step)
        if begins and actions:
            actions.pop()
            action()

    return observe


def test_a_rollback_in_the_middle_of_a_release_stays(commit, warm, endpoint, two):
    def roll_back():
        withdrawal.rollback(warm, "cab", SILENT)

    verdict = deliver_third(commit, once_at("dev-cab 50 %", roll_back))

    assert verdict.state == "superseded"
    current = recorded_cab(warm).current
    assert endpoint.shares() == {two["1"]: 100}
    assert current.registry_version == "1"


def test_a_step_that_fails_after_a_rollback_does_not_undo_it(google, commit, warm, endpoint, two):
    def roll_back():
        google.answers["3"] = lambda _: (500, {})
        withdrawal.rollback(warm, "cab", SILENT)

    verdict = deliver_third(commit, once_at("dev-cab smoke test", roll_back))

    assert verdict.state == "superseded"
    *_, last_change = history.read(warm, "cab")
    assert endpoint.shares() == {two["1"]: 100}
    assert last_change.cause == "rollback"


def test_a_step_that_fails_undisturbed_is_taken_back(google, commit, endpoint, two):
    def break_version():
        google.answers["3"] = lambda _: (500, {})

    verdict = deliver_third(commit, once_at("dev-cab smoke test", break_version))

    assert verdict.state == "failed"
    assert endpoint.shares() == {two["2"]: 100}


def test_traffic_that_can_t_be_taken_back_is_told_with_why_it_should_be(
    google, commit, endpoint, two
):
    def break_version():
        google.answers["3"] = lambda _: (500, {"error": "boom"})
        google.faults.append(Fault("PATCH", "endpoints/", 403))

    verdict = deliver_third(commit, once_at("dev-cab smoke test", break_version))

    assert verdict.state == "failed"
    assert "boom" in verdict.reason
    assert "the traffic could not be taken back: the endpoint" in verdict.reason
    assert endpoint.shares()[two["2"]] == 50


def test_machines_that_are_given_up_meanwhile_do_not_end_a_release(commit, warm, two):
    def give_up():
        withdrawal.undeploy(warm, "cab", 0, SILENT)

    verdict = deliver_third(commit, once_at("dev-cab 50 %", give_up))

    model = recorded_cab(warm)
    assert verdict.state == "delivered"
    assert model.current.registry_version == "3"
    assert model.before.registry_version == "2"


def test_what_has_the_traffic_again_is_not_cleared_away(warm, endpoint, two):
    """As after a rollback between a release's record and its last step."""
    current = recorded_cab(warm).current
    endpoint.split({two["1"]: 100})

    leftovers.clear(endpoint, Model(current=current, before=None, change=None), SILENT)

    assert endpoint.deployed() == two
