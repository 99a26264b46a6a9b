"""Whoever interrupts a probe finds nothing of it, or is told what stays."""

import os
import signal
import subprocess
import sys
import time

import pytest

from infra.probe import __main__ as probe
from settings import REPOSITORY
from tests.infra.doctor.conftest import Capture, Machine
from tests.infra.probe.conftest import probed
from tests.standins.google.apis import GoogleApis, Request
from tests.standins.google.faults import LOST, Fault

QUESTIONS = ("testIamPermissions", "/queries", ":predict")  # a POST that changes nothing
STEPS = 20  # at least, of all probes together
COMMAND = (sys.executable, "-m", "infra.probe", "--env", "dev", "--yes")


class Interrupting(list[Request]):
    """The stand-in's requests: the change of this number interrupts the process."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.countdown = number

    def append(self, request: Request) -> None:
        super().append(request)
        asks = any(question in request.path for question in QUESTIONS)
        if asks or request.method == "GET":
            return
        self.countdown -= 1
        if self.countdown == 0:
            process = os.getpid()
            os.kill(process, signal.SIGINT)


def things(google: GoogleApis) -> set[tuple[str, str]]:
    """The names of all that is there, but for builds, which nobody can delete."""
    return {key for key in google.objects if "/builds/" not in key[1]}


def unfinished_builds(google: GoogleApis) -> list[str]:
    objects = google.objects.items()
    builds = [body for (_, name), body in objects if "/builds/" in name]
    states = [build["status"] for build in builds]
    return [state for state in states if state != "CANCELLED"]


def test_an_interrupt_at_any_step_leaves_nothing(stage: Machine, capsys: Capture) -> None:
    """Each run is interrupted one step later, until a run has no more steps."""
    first_things = things(stage.google)
    stage.google.make_slowly()
    step = 0
    code = probe.INTERRUPTED
    while code == probe.INTERRUPTED:
        step += 1
        stage.google.requests = Interrupting(step)

        code, _ = probed(capsys, "--yes")

        stage.google.end_creations()
        last_things = things(stage.google)
        assert last_things == first_things, f"after an interrupt at step {step}"
        assert unfinished_builds(stage.google) == []
    assert code == 0
    assert step > STEPS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_a_probe_waits_leaves_nothing(stage: Machine, number: int) -> None:
    first_things = things(stage.google)
    stage.google.unknowns.log_delay_seconds = 3600
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(
        COMMAND, cwd=REPOSITORY / "tests/team", env=environment, stderr=subprocess.PIPE, text=True
    )
    wait_for_query(stage.google, process)

    process.send_signal(number)
    process.send_signal(number)  # impatiently
    _, errors = process.communicate(timeout=20)

    assert process.returncode == probe.INTERRUPTED
    assert things(stage.google) == first_things
    assert "interrupted: what was made is being removed" in errors
    assert "Traceback" not in errors


def wait_for_query(google: GoogleApis, process: "subprocess.Popen[str]") -> None:
    """Wait until the probe reads its log tables."""
    paths: list[str] = []
    while not any("/queries" in path for path in paths):
        time.sleep(0.05)
        assert process.poll() is None
        paths = [request.path for request in google.requests]


def test_what_is_made_by_a_request_without_an_answer_is_removed(
    stage: Machine, capsys: Capture
) -> None:
    first_things = things(stage.google)
    stage.google.faults.append(Fault("POST", "endpoints[?]endpointId", LOST))

    code, answers = probed(capsys, "--yes")

    assert code == 1
    assert answers["log-delay"].state == "unknown"
    assert things(stage.google) == first_things


def test_what_cannot_be_removed_is_named(stage: Machine, capsys: Capture) -> None:
    refusals = [Fault("DELETE", "repositories/dev-probe", 503)] * 3
    stage.google.faults.extend(refusals)

    code = probe.main(["--env", "dev"])

    assert code == 1
    *_, last_line = capsys.readouterr().err.splitlines()
    assert last_line.startswith("the image repository projects/mill-dev/locations/us-central1/")
    assert "may still be there: " in last_line


@pytest.mark.parametrize(
    ("method", "pattern"),
    [
        ("DELETE", "repositories/dev-probe"),
        ("DELETE", "/triggers/"),
        ("DELETE", "/endpoints/"),
        ("POST", ":cancel"),
        ("POST", ":undeployModel"),
    ],
)
@pytest.mark.parametrize("answer", [503, LOST])
def test_a_removal_that_fails_once_is_tried_again(
    stage: Machine, method: str, pattern: str, answer: int, capsys: Capture
) -> None:
    first_things = things(stage.google)
    stage.google.faults.append(Fault(method, pattern, answer))

    code, _ = probed(capsys, "--yes")

    assert code == 0
    assert things(stage.google) == first_things
    assert unfinished_builds(stage.google) == []


@pytest.mark.parametrize("answer", [503, LOST])
def test_a_failure_of_google_s_own_is_looked_at_again(
    stage: Machine, answer: int, capsys: Capture
) -> None:
    stage.google.faults.append(Fault("POST", "/queries", answer))

    code, _ = probed(capsys, "--yes")

    assert code == 0
