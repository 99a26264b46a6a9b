"""The doctor without an answer: an unasked thing is neither present nor missing."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from infra.doctor import machine, rest
from tests.infra.doctor.conftest import TOOLS, Machine, answer, diagnosed

OFF = (
    403,
    {
        "error": {
            "details": [
                {
                    "reason": "SERVICE_DISABLED",
                    "metadata": {"service": "cloudresourcemanager.googleapis.com"},
                }
            ]
        }
    },
)
UNASKED: dict[str, tuple[Callable[[Machine], None], str, str]] = {
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
        lambda here: here.install("git", "exec /bin/sleep 60"),
        "git",
        "git did not answer within 0.5 s",
    ),
}


@pytest.mark.parametrize(("refuse", "subject", "reason"), UNASKED.values(), ids=UNASKED)
def test_what_is_not_answered_is_neither_there_nor_missing(
    here: Machine,
    refuse: Callable[[Machine], None],
    subject: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(machine, "PATIENCE_SECONDS", 0.5)
    refuse(here)

    code, findings = diagnosed(capsys, "dev")

    assert code == 1
    assert findings[subject].state == "not asked"
    assert reason in findings[subject].detail


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


@pytest.mark.parametrize(("script", "state", "mend"), NO_TOKEN.values(), ids=NO_TOKEN)
def test_without_a_token_google_is_not_asked_and_gcloud_once(
    here: Machine,
    script: str,
    state: str,
    mend: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("GOOGLE_OAUTH_ACCESS_TOKEN")
    here.install(
        "gcloud",
        f'[ "$1" = --version ] && echo 1.0 && exit 0; echo >>{here.folder}/asked; {script}',
    )

    _, findings = diagnosed(capsys, "dev")

    assert findings["credentials"].state == state
    assert findings["credentials"].mend == mend
    assert findings["state bucket"].state == "not asked"
    assert findings["GitHub's dev"].state == "ok"
    assert findings["state bucket"].detail == "without credentials Google can't be asked"
    assert (here.folder / "asked").read_text() == "\n"
    assert not any(request.path.startswith("/storage/v1/b/") for request in here.google.requests)


def test_application_default_credentials_are_asked_with(
    here: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GOOGLE_OAUTH_ACCESS_TOKEN")

    _, findings = diagnosed(capsys, "dev")

    assert findings["credentials"].detail == "ada@mill.org (application default credentials)"


def test_a_service_account_that_deploys_is_granted_roles_as_one(
    here: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    here.answers |= {
        "/oauth/tokeninfo": {"email": "ci@mill.iam.gserviceaccount.com"},
        "/crm/projects/mill-dev:testIamPermissions": {},
    }

    _, findings = diagnosed(capsys, "dev")

    assert "--member=serviceAccount:ci@mill.iam.gserviceaccount.com " in findings["roles"].mend


def test_without_a_github_token_only_github_is_not_asked(
    here: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GH_TOKEN")
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)

    code, findings = diagnosed(capsys, "dev")

    assert code == 1
    assert {
        finding.subject: finding.mend
        for finding in findings.values()
        if finding.state == "not asked"
    } == dict.fromkeys(
        ("GitHub app", "GitHub's branch", "GitHub's dev-plan", "GitHub's dev"),
        "export GH_TOKEN=$(gh auth token)",
    )


@pytest.fixture
def deaf() -> Iterator[tuple[str, list[str]]]:
    """A host that accepts connections and never answers, with the requests it got."""
    server, requests = socket.create_server(("127.0.0.1", 0)), []

    def listen() -> None:
        connections = []
        while True:
            try:
                connections.append(server.accept()[0])
            except OSError:
                return
            requests.append(connections[-1].recv(1000).decode())

    threading.Thread(target=listen, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", requests
    server.close()


def test_a_host_that_does_not_answer_is_asked_once_and_not_for_long(
    here: Machine,
    deaf: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, requests = deaf
    monkeypatch.setattr(rest, "PATIENCE_SECONDS", 0.5)
    for product in (
        "RESOURCE_MANAGER",
        "OAUTH2",
        "CLOUD_BILLING",
        "SERVICE_USAGE",
        "STORAGE",
        "IAM",
        "SECRET_MANAGER",
        "CLOUDBUILDV2",
    ):
        monkeypatch.setenv(f"GOOGLE_{product}_CUSTOM_ENDPOINT", url)
    start = time.monotonic()

    code, findings = diagnosed(capsys, "dev")

    assert code == 1
    assert len(requests) == 1
    assert (
        findings["state bucket"].detail
        == f"{url.removeprefix('http://')} can't be reached (no answer in time)"
    )
    states = {finding.state for finding in findings.values() if finding.subject not in TOOLS}
    assert states == {"ok", "not asked"}
    assert time.monotonic() - start < 5


def test_without_network_it_says_what_it_could_not_ask(
    here: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = f"127.0.0.1:{listener.getsockname()[1]}"
    for name in (*here.google.environment(), "GITHUB_API_URL"):
        if name.endswith(("ENDPOINT", "URL")):
            monkeypatch.setenv(name, f"http://{nobody}")
    monkeypatch.setenv("GOOGLE_OAUTH2_CUSTOM_ENDPOINT", f"http://{nobody}")

    code, findings = diagnosed(capsys, "dev")

    assert code == 1
    assert {finding.subject for finding in findings.values() if finding.state == "ok"} == {
        *TOOLS,
        "cdktf",
        "environments.py",
    }
    assert {finding.detail for finding in findings.values() if finding.state == "not asked"} == {
        f"{nobody} can't be reached (Connection refused)"
    }


def test_looking_up_a_name_takes_no_longer_than_the_rest() -> None:
    start = time.monotonic()

    with pytest.raises(TimeoutError, match="no answer in time"):
        rest.within(0.1, lambda: time.sleep(3))

    assert time.monotonic() - start < 2


def test_all_answers_together_have_a_deadline(
    here: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rest, "DEADLINE_SECONDS", 0)

    code, _ = diagnosed(capsys, "dev")

    assert code == 1
    assert here.google.requests[-1].method == "POST"  # the last one made the machine


def test_a_tool_under_another_usr_is_found_where_the_caller_is(
    here: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "readlink", lambda path: path)  # our mounts are not the caller's
    for tool in ("git", "npm"):
        (here.folder / tool).unlink()
    here.install("nsenter", '[ "$3" = git ] && echo git version 9.1 || exit 127')

    _, findings = diagnosed(capsys, "dev")

    assert findings["git"].detail == "9.1"
    assert findings["npm"].detail == "is not on the PATH"
