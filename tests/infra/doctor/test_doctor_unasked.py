"""The doctor without an answer: an unasked thing is neither present nor missing."""

import os
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator

import pytest

from infra import apis
from infra.doctor import google, machine, rest
from tests.infra.doctor.conftest import (
    TOOLS,
    Capture,
    Change,
    Findings,
    Machine,
    answer,
    diagnosed,
    installation,
)
from tests.standins.google.faults import Fault

OFF = (
    403,
    {
        "error": {
            "details": [
                {
                    "reason": "SERVICE_DISABLED",
                    "metadata": {
                        "service": "cloudresourcemanager.googleapis.com",
                        "consumer": "projects/11",
                    },
                }
            ]
        }
    },
)
UNASKED: dict[str, tuple[Change, str, str]] = {
    "may not": (
        answer("/crm/projects/mill-dev:getIamPolicy", 403),
        "Vertex agent",
        "answers 403: no",
    ),
    "an API that is off": (
        answer("/crm/projects/mill-dev", OFF),
        "project",
        "cloudresourcemanager.googleapis.com is off",
    ),
    "no words": (
        answer("/crm/projects/mill-dev", (500, {"error": {"message": ""}})),
        "project",
        "answers 500: without a reason",
    ),
    "an empty line": (
        answer("/crm/projects/mill-dev", (500, {"error": {"message": "\n"}})),
        "project",
        "answers 500: without a reason",
    ),
    "a state bucket of ours that lets nobody look": (
        lambda here: here.google.faults.append(Fault("GET", "b/mill-dev-dev-state", 403)),
        "state bucket",
        "answers 403",
    ),
    "not an organization": (
        answer("/github/orgs/mill/installations", 404),
        "GitHub app",
        "an organization's owners alone",
    ),
    "a repository that nobody sees": (
        lambda here: here.answers.update(
            {"/github/repos/mill/loom": 404, "/github/repos/mill/loom/environments/dev": 404}
        ),
        "GitHub's dev",
        "there is no mill/loom, or the token may not see it",
    ),
    "a token of GitHub's that ended": (
        answer("/github/repos/mill/loom/environments/dev", 401),
        "GitHub's dev",
        "credentials",
    ),
    "a tool that hangs": (
        installation("git", "exec /bin/sleep 60"),
        "git",
        "git did not answer within 0.5 s",
    ),
}


@pytest.mark.parametrize(("refuse", "subject", "reason"), UNASKED.values(), ids=UNASKED)
def test_what_is_not_answered_is_neither_there_nor_missing(
    here: Machine,
    refuse: Change,
    subject: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.setattr(machine, "PATIENCE_SECONDS", 0.5)
    refuse(here)

    code, findings = diagnosed(capsys, "dev")

    assert code == 1
    finding = findings[subject]
    assert finding.state == "not asked"
    assert reason in finding.detail


def in_state(findings: Findings, state: str) -> Findings:
    return {subject: finding for subject, finding in findings.items() if finding.state == state}


NO_TOKEN: dict[str, tuple[str, str, str]] = {
    "none": (
        "echo 'Your default credentials were not found.' >&2; exit 1",
        "missing",
        "gcloud auth application-default login",
    ),
    "ended": (
        "echo 'ERROR: (invalid_grant: Bad Request)' >&2; exit 1",
        "missing",
        "gcloud auth application-default login",
    ),
    "no network": (
        "echo 'ERROR: HTTPSConnectionPool: failed to resolve' >&2; exit 1",
        "not asked",
        "",
    ),
}


def test_an_api_that_is_off_comes_with_the_command_that_turns_it_on(
    here: Machine, capsys: Capture
) -> None:
    here.answers["/crm/projects/mill-dev"] = OFF

    _, findings = diagnosed(capsys, "dev")

    command = "gcloud services enable cloudresourcemanager.googleapis.com --project=11"
    assert findings["project"].mend == command


def test_the_doctor_asks_no_api_that_the_stacks_do_not_turn_on() -> None:
    hosts = [urllib.parse.urlsplit(address).netloc for address in google.ADDRESSES.values()]
    services = {host.split(".")[0].removeprefix("{region}-") for host in hosts}

    own_apis = {*apis.BOOTSTRAP, *apis.FOUNDATION, *apis.WORKERS}

    # oauth2 is no API of a project's.
    assert services - own_apis == {"oauth2"}


@pytest.mark.parametrize(("script", "state", "mend"), NO_TOKEN.values(), ids=NO_TOKEN)
def test_without_a_token_google_is_not_asked_and_gcloud_once(
    here: Machine,
    script: str,
    state: str,
    mend: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.delenv("GOOGLE_OAUTH_ACCESS_TOKEN")
    here.install(
        "gcloud",
        f'[ "$1" = --version ] && echo 1.0 && exit 0; echo >>{here.folder}/asked; {script}',
    )

    _, findings = diagnosed(capsys, "dev")

    credentials, bucket = findings["credentials"], findings["state bucket"]
    assert credentials.state == state
    assert credentials.mend == mend
    assert bucket.state == "not asked"
    assert bucket.detail == "without credentials Google can't be asked"
    assert findings["GitHub's dev"].state == "ok"
    log = here.folder / "asked"
    assert log.read_text() == "\n"
    for request in here.google.requests:
        assert not request.path.startswith("/storage/v1/b/")


def test_application_default_credentials_are_asked_with(
    here: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("GOOGLE_OAUTH_ACCESS_TOKEN")

    _, findings = diagnosed(capsys, "dev")

    assert findings["credentials"].detail == "ada@mill.org (application default credentials)"


def test_a_service_account_that_deploys_is_granted_roles_as_one(
    here: Machine, capsys: Capture
) -> None:
    here.answers |= {
        "/oauth/tokeninfo": {"email": "ci@mill.iam.gserviceaccount.com"},
        "/crm/projects/mill-dev:testIamPermissions": {},
    }

    _, findings = diagnosed(capsys, "dev")

    assert "--member=serviceAccount:ci@mill.iam.gserviceaccount.com " in findings["roles"].mend


def test_without_a_github_token_only_github_is_not_asked(
    here: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("GH_TOKEN")
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)

    code, findings = diagnosed(capsys, "dev")

    assert code == 1
    unasked = in_state(findings, "not asked")
    assert set(unasked) == {"GitHub app", "GitHub's branch", "GitHub's dev-plan", "GitHub's dev"}
    for finding in unasked.values():
        assert finding.mend == "export GH_TOKEN=$(gh auth token)"


@pytest.fixture
def silent_host() -> Iterator[tuple[str, list[str]]]:
    """A host's URL and the requests it got; it accepts connections and never answers."""
    server = socket.create_server(("127.0.0.1", 0))
    requests = []
    connections = []  # kept, so that none is closed

    def listen() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connections.append(connection)
            request = connection.recv(1000)
            requests.append(request.decode())

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    _, port = server.getsockname()
    yield f"http://127.0.0.1:{port}", requests
    server.close()


PRODUCTS = (
    "RESOURCE_MANAGER",
    "OAUTH2",
    "CLOUD_BILLING",
    "SERVICE_USAGE",
    "STORAGE",
    "IAM",
    "SECRET_MANAGER",
    "CLOUDBUILDV2",
)


def test_a_host_that_does_not_answer_is_asked_once_and_not_for_long(
    here: Machine,
    silent_host: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    url, requests = silent_host
    host = url.removeprefix("http://")
    monkeypatch.setattr(rest, "PATIENCE_SECONDS", 0.5)
    for product in PRODUCTS:
        monkeypatch.setenv(f"GOOGLE_{product}_CUSTOM_ENDPOINT", url)
    start = time.monotonic()

    code, findings = diagnosed(capsys, "dev")

    duration = time.monotonic() - start
    assert duration < 5
    assert code == 1
    assert len(requests) == 1
    assert findings["state bucket"].detail == f"{host} can't be reached (no answer in time)"
    states = {finding.state for finding in findings.values() if finding.subject not in TOOLS}
    assert states == {"ok", "not asked"}


def test_without_network_it_says_what_it_could_not_ask(
    here: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        _, port = listener.getsockname()
    nobody = f"127.0.0.1:{port}"
    for name in (*here.google.environment(), "GITHUB_API_URL"):
        if name.endswith(("ENDPOINT", "URL")):
            monkeypatch.setenv(name, f"http://{nobody}")
    monkeypatch.setenv("GOOGLE_OAUTH2_CUSTOM_ENDPOINT", f"http://{nobody}")

    code, findings = diagnosed(capsys, "dev")

    assert code == 1
    present, unasked = in_state(findings, "ok"), in_state(findings, "not asked")
    assert set(present) == {*TOOLS, "cdktf", "image digests", "environments.py", "alerts"}
    assert unasked
    for finding in unasked.values():
        assert finding.detail == f"{nobody} can't be reached (Connection refused)"


def test_looking_up_a_name_takes_no_longer_than_the_rest() -> None:
    start = time.monotonic()

    with pytest.raises(TimeoutError, match="no answer in time"):
        rest.within(0.1, lambda: time.sleep(3))

    duration = time.monotonic() - start
    assert duration < 2


def test_all_answers_together_have_a_deadline(
    here: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(rest, "DEADLINE_SECONDS", 0)

    code, _ = diagnosed(capsys, "dev")

    assert code == 1
    last_request = here.google.requests[-1]
    assert last_request.method == "POST"  # it made the machine


def test_a_tool_under_another_usr_is_found_where_the_caller_is(
    here: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(os, "readlink", lambda path: path)  # our mounts are not the caller's
    for name in ("git", "npm"):
        file = here.folder / name
        file.unlink()
    here.install("nsenter", '[ "$3" = git ] && echo git version 9.1 || exit 127')

    _, findings = diagnosed(capsys, "dev")

    assert findings["git"].detail == "9.1"
    assert findings["npm"].detail == "is not on the PATH"
