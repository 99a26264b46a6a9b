"""With nothing kept warm, no delivery leaves a paid-for machine.

It may be superseded, cancelled, killed or refused: the endpoint is empty at the next delivery's
beginning at the latest.
"""

import os
import signal
from dataclasses import replace

import pytest

from pipeline.delivery import history, leftovers
from pipeline.gcp.stage import Stage
from settings import Serving
from tests.pipeline.delivery.conftest import (
    DEV,
    FIRST,
    add_delivery,
    put_images,
    record_push,
)
from tests.pipeline.delivery.deliveries import deliver, events
from tests.standins.google.faults import Fault

COLD = replace(DEV, serving=Serving())
SMOKE = "dev-cab smoke test"
UNDEPLOY = ":undeployModel"
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def cold() -> Stage:
    return Stage(COLD)


def at(step, action):
    """An observer to act at each start of the step."""

    def observe(node, state):
        begins = state == "running" and node.startswith(step)
        if begins:
            action()

    return observe


def interrupt():
    raise KeyboardInterrupt


def causes(stage) -> list[str]:
    changes = history.read(stage, "cab")
    return [change.cause for change in changes]


def test_a_superseded_delivery_takes_its_version_off_its_machine(pipelines, commit, cold, endpoint):
    def overtake():
        record_push(cold, "e" * 40)

    [verdict] = deliver(commit, settings=COLD, observer=at("cab submit", overtake))

    assert verdict.state == "superseded"
    assert endpoint.deployed() == {}
    assert causes(cold) == ["swept"]


def test_one_that_is_superseded_in_its_smoke_test_does_so_too(pipelines, commit, cold, endpoint):
    other_delivery = replace(FIRST, registry_version="9")

    def overtake():
        add_delivery(cold, "cab", other_delivery)

    [verdict] = deliver(commit, settings=COLD, observer=at(SMOKE, overtake))

    assert verdict.state == "superseded"
    assert endpoint.deployed() == {}


def test_one_whose_record_can_t_be_written_does_so_too(pipelines, commit, blob, endpoint):
    def damage():
        blob.upload_from_string("{}")

    [verdict] = deliver(commit, settings=COLD, observer=at(SMOKE, damage))

    assert verdict.state == "failed"
    assert "is damaged" in verdict.reason
    assert endpoint.deployed() == {}


def test_a_machine_that_google_keeps_is_told_with_what_superseded_its_version(
    google, pipelines, commit, cold, endpoint
):
    def overtake():
        record_push(cold, "e" * 40)
        google.faults.append(Fault("POST", UNDEPLOY, 403))

    [verdict] = deliver(commit, settings=COLD, observer=at("cab submit", overtake))

    assert verdict.state == "failed"
    assert f"{'e' * 12} was pushed after" in verdict.reason
    assert "its machine is paid for until the next delivery of cab" in verdict.reason
    assert list(endpoint.deployed()) == ["1"]


def test_what_a_cancelled_delivery_leaves_is_swept_by_the_next_one_s_beginning(
    pipelines, commit, endpoint
):
    with pytest.raises(KeyboardInterrupt):
        deliver(commit, settings=COLD, observer=at(SMOKE, interrupt))
    remaining_versions = endpoint.deployed()

    with pytest.raises(KeyboardInterrupt):
        deliver(commit, settings=COLD, observer=at("cab upload", interrupt))

    assert list(remaining_versions) == ["1"]
    assert endpoint.deployed() == {}


def test_what_a_killed_delivery_leaves_is_swept_even_if_the_next_candidate_is_refused(
    google, pipelines, commit, cold, endpoint
):
    """As Cloud Build ends a delivery out of time: no handler of ours runs."""
    child = os.fork()
    if not child:
        deliver_until_killed(commit)
    _, status = os.waitpid(child, 0)
    remaining_versions = endpoint.deployed()
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert list(remaining_versions) == ["1"]

    pipelines.verdict = "refused"
    put_images(google, commit, "again")  # the next delivery's own run
    [verdict] = deliver(commit, tag="again", settings=COLD)

    *_, last_cause = causes(cold)
    assert verdict.state == "not blessed"
    assert endpoint.deployed() == {}
    assert last_cause == "swept"


def deliver_until_killed(commit):
    """The work of a process, killed in its smoke test."""
    process = os.getpid()
    observer = at(SMOKE, lambda: os.kill(process, signal.SIGKILL))
    try:
        deliver(commit, settings=COLD, observer=observer)
    finally:
        os._exit(1)


def test_a_sweep_that_google_refuses_fails_the_model_before_it_costs_anything_more(
    google, pipelines, commit, endpoint
):
    with pytest.raises(KeyboardInterrupt):
        deliver(commit, settings=COLD, observer=at(SMOKE, interrupt))
    google.faults.append(Fault("POST", UNDEPLOY, 403))

    [refused_verdict] = deliver(commit, settings=COLD)
    [verdict] = deliver(commit, settings=COLD)

    assert refused_verdict.state == "failed"
    assert "Google refuses it" in refused_verdict.reason
    assert events(google) == ["run_failed"]
    assert len(pipelines.jobs) == 1
    assert verdict.state == "delivered"
    assert endpoint.deployed() == {}


def test_a_delivery_that_is_swept_in_its_smoke_test_by_another_is_superseded(
    google, pipelines, commit, cold, endpoint
):
    def sweep():
        leftovers.sweep(cold, "cab", lambda *_: None)

    [verdict] = deliver(commit, settings=COLD, observer=at(SMOKE, sweep))

    assert verdict.state == "superseded"
    assert "was moved by someone else" in verdict.reason
    assert events(google) == []
    assert "taken back" not in causes(cold)
