"""Of what a probe makes nothing stays, and what is not its own is left alone."""

import json
import os
import signal

import pytest

from infra.probe import __main__ as probe
from tests.infra.doctor.conftest import DEV, Capture, Machine
from tests.infra.probe.conftest import ENDPOINT, probed
from tests.standins.google.apis import Request
from tests.standins.google.faults import Fault

REPOSITORIES = f"projects/{DEV.project_id}/locations/{DEV.region}/repositories"
REPOSITORY = "artifact_registry", f"{REPOSITORIES}/dev-probe"


@pytest.mark.parametrize("options", [(), ("--yes",)])
def test_nothing_that_a_probe_makes_stays(
    stage: Machine, options: tuple[str, ...], capsys: Capture
) -> None:
    first_objects = stage.google.objects

    probed(capsys, *options)

    last_objects = stage.google.objects
    new_names = last_objects.keys() - first_objects.keys()
    states = [last_objects[name]["status"] for name in new_names]
    endpoint = ENDPOINT.removeprefix("/vertex_ai/v1/")
    own_endpoint = last_objects["vertex_ai", endpoint]
    assert first_objects.keys() <= last_objects.keys()
    assert states == ["CANCELLED"]
    assert own_endpoint["deployedModels"]


def creations(stage: Machine) -> list[str]:
    """The requests that would make the repository."""
    paths = [path for _, path, _ in stage.google.requests]
    return [path for path in paths if "?repositoryId" in path]


def make_another_repository(stage: Machine) -> None:
    """Make a repository of the probe's name, as another probe does."""
    stage.post(f"/artifact_registry/v1/{REPOSITORIES}?repositoryId=dev-probe", {})


def test_another_probe_s_things_are_left_alone(stage: Machine, capsys: Capture) -> None:
    make_another_repository(stage)
    stage.google.requests.clear()

    _, answers = probed(capsys)

    assert "another probe runs" in answers["untagged-image"].detail
    assert REPOSITORY in stage.google.objects
    assert creations(stage) == []


@pytest.mark.parametrize("status", [403, 409, 429])
def test_what_google_refuses_to_make_is_not_removed(
    stage: Machine, status: int, capsys: Capture
) -> None:
    """Another probe makes it between the look and the creation."""
    make_another_repository(stage)
    look = Fault("GET", "repositories/dev-probe", 404)
    refusal = Fault("POST", "[?]repositoryId=dev-probe", status)
    stage.google.faults.extend([look, refusal])

    _, answers = probed(capsys)

    assert answers["untagged-image"].state == "unknown"
    assert REPOSITORY in stage.google.objects


def test_what_cannot_be_looked_for_is_not_made_and_does_not_stay(
    stage: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("GOOGLE_ARTIFACT_REGISTRY_CUSTOM_ENDPOINT", "http://127.0.0.1:9/")

    probe.main(["--env", "dev", "--json"])

    report = json.loads(capsys.readouterr().out)
    [answer] = [answer for answer in report["answers"] if answer["name"] == "untagged-image"]
    assert answer["detail"].startswith("127.0.0.1:9 can't be reached")
    assert report["leftovers"] == []


def test_a_subscription_that_outlives_its_trigger_is_removed(
    stage: Machine, capsys: Capture
) -> None:
    stage.google.unknowns.keeps_subscriptions = True

    probed(capsys)

    names = [name for product, name in stage.google.objects if product == "pubsub"]
    subscriptions = [name for name in names if "/subscriptions/" in name]
    assert subscriptions == []


def test_a_build_behind_an_empty_page_is_cancelled(stage: Machine, capsys: Capture) -> None:
    stage.google.begin_listings_empty()

    _, answers = probed(capsys)

    builds = [body for (_, name), body in stage.google.objects.items() if "/builds/" in name]
    states = [build["status"] for build in builds]
    assert answers["message-recipe"].state == "as assumed"
    assert states == ["CANCELLED"]


class InterruptingLook(list[Request]):
    """The stand-in's requests: the look for the repository interrupts the process."""

    def append(self, request: Request) -> None:
        super().append(request)
        if request.method == "GET" and request.path.endswith("repositories/dev-probe"):
            process = os.getpid()
            os.kill(process, signal.SIGINT)


def test_an_interrupt_while_a_thing_is_looked_for_makes_nothing(
    stage: Machine, capsys: Capture
) -> None:
    stage.google.requests = InterruptingLook()

    code, _ = probed(capsys)

    assert code == probe.INTERRUPTED
    assert creations(stage) == []


def test_what_stays_is_a_failure_whatever_the_answers_are(stage: Machine, capsys: Capture) -> None:
    stage.google.unknowns.deletes_untagged_images = False
    refusals = [Fault("DELETE", "repositories/dev-probe", 503)] * 3
    stage.google.faults.extend(refusals)

    code, answers = probed(capsys)

    assert answers["untagged-image"].state == "wrong"
    assert code == 1
