"""A machine, a Google and a GitHub with everything the doctor looks for.

Tests take something away.
"""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import environments
from infra import apis
from infra.doctor import diagnosis, machine, permissions
from infra.doctor.finding import Finding
from settings import GitHub, Settings
from tests.standins.google.apis import GoogleApis

GITHUB = GitHub("mill/loom", 4711)
DEV = Settings(
    stage="dev",
    project_id="mill-dev",
    project_number=11,
    region="us-central1",
    github=GITHUB,
    deletable=True,
    approval_required=False,
    billing_account="0A0A0A-0A0A0A-0A0A0A",
)
PROD = Settings(
    stage="prod",
    project_id="mill-prod",
    project_number=33,
    region="us-central1",
    github=GITHUB,
    promotes_from="dev",
    alert_emails=("a@mill.org",),
)
TOOLS = {
    "terraform": "Terraform v1.8.0",
    "node": "v22.1.0",
    "npm": "10.1.0",
    "git": "git version 2.1",
    "gcloud": "Google Cloud SDK 5.0",
}
ROLES = {
    permission
    for settings in (DEV, PROD)
    for permission in permissions.of_person(settings).values()
}
Answers = dict[str, Any]  # path -> body, or the status of a refusal, or both


class Machine:
    """Tools, Google and GitHub as one environment wants them; tests take something away."""

    def __init__(self, folder: Path, google: GoogleApis, answers: Answers) -> None:
        self.folder, self.google, self.answers = folder, google, answers
        for tool, version in TOOLS.items():
            self.install(tool, f"echo '{version}'")
        (folder / "package.json").write_text('{"dependencies": {"cdktf-cli": "0.21.0"}}')
        (folder / "node_modules/cdktf-cli").mkdir(parents=True)
        self.cdktf("0.21.0")

    def cdktf(self, version: str) -> None:
        (self.folder / "node_modules/cdktf-cli/package.json").write_text(
            json.dumps({"version": version})
        )

    def install(self, tool: str, script: str) -> None:
        (self.folder / tool).write_text(f"#!/bin/sh\n{script}\n")
        (self.folder / tool).chmod(0o755)

    def post(self, path: str, body: Any) -> None:
        assert self.google.respond("POST", path, json.dumps(body).encode())[0] == 200

    def delete(self, path: str) -> None:
        assert self.google.respond("DELETE", path, b"")[0] == 200

    def stand_up(self, settings: Settings) -> None:
        project, names = settings.project_id, settings.names
        self.post(
            f"/service_usage/v1/projects/{project}/services:batchEnable",
            {
                "serviceIds": [
                    f"{api}.googleapis.com"
                    for api in (*apis.BOOTSTRAP, *apis.of_foundation(settings))
                ]
            },
        )
        self.post(f"/storage/v1/b?project={project}", {"name": names.bucket("state")})
        self.post(
            f"/iam/v1/projects/{project}/serviceAccounts",
            {"accountId": names.service_account("builder"), "serviceAccount": {}},
        )
        self.post(
            f"/secret_manager/v1/projects/{project}/secrets?secretId={names.github_secret}", {}
        )
        self.google.add_secret_version(project, names.github_secret)
        agents = [names.service_agent(product) for product in ("aiplatform", "cloudbuild")]
        self.answers |= {
            f"/crm/projects/{project}": {
                "projectId": project,
                "projectNumber": str(settings.project_number),
            },
            f"/crm/projects/{project}:getIamPolicy": {
                "bindings": [{"role": "roles/x", "members": agents}]
            },
            f"/crm/projects/{project}:testIamPermissions": {"permissions": sorted(ROLES)},
            f"/github/repos/mill/loom/environments/{settings.stage}-plan": {"protection_rules": []},
            f"/github/repos/mill/loom/environments/{settings.stage}": {
                "protection_rules": [{"type": "required_reviewers", "reviewers": [1]}]
                if settings.approval_required
                else []
            },
        }


class Quiet(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def answers() -> Iterator[tuple[str, Answers]]:
    """The answers our Google lacks: projects, the caller's identity, and GitHub."""
    responses: Answers = {
        "/oauth/tokeninfo": {"email": "ada@mill.org"},
        "/cloud_billing/billingAccounts/0A0A0A-0A0A0A-0A0A0A:testIamPermissions": {
            "permissions": ["billing.accounts.setIamPolicy"]
        },
        "/github/repos/mill/loom": {"default_branch": "main"},
        "/github/orgs/mill/installations": {
            "installations": [{"id": 4711, "app_slug": "google-cloud-build"}]
        },
    }

    class Handler(Quiet):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            answer = responses.get(self.path.split("?")[0], 404)
            answer = (answer, {"message": "no"}) if isinstance(answer, int) else answer
            status, body = answer if isinstance(answer, tuple) else (200, answer)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        do_POST = do_GET  # noqa: N815

    yield from serving(Handler, responses)


def serving(handler: type[BaseHTTPRequestHandler], known: Any) -> Iterator[tuple[str, Any]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", known
    server.shutdown()
    server.server_close()


@pytest.fixture
def here(
    tmp_path: Path, answers: tuple[str, Answers], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machine]:
    url, responses = answers
    with GoogleApis() as google:
        own = {
            f"GOOGLE_{product}_CUSTOM_ENDPOINT": f"{url}/{path}"
            for product, path in {
                "RESOURCE_MANAGER": "crm",
                "OAUTH2": "oauth",
                "CLOUD_BILLING": "cloud_billing/",
            }.items()
        }
        for name, value in {
            **google.environment(),
            **own,
            "GITHUB_API_URL": f"{url}/github",
            "GH_TOKEN": "t",
            "NO_PROXY": "*",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(machine, "REPOSITORY", tmp_path)
        monkeypatch.setattr(environments, "ENVIRONMENTS", {"dev": DEV, "prod": PROD})
        machine_ = Machine(tmp_path, google, responses)
        machine_.stand_up(DEV)
        machine_.stand_up(PROD)
        yield machine_


def diagnosed(capsys: pytest.CaptureFixture[str], env: str) -> tuple[int, dict[str, Finding]]:
    """The exit code and the findings by subject."""
    code = diagnosis.main(["--env", env, "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["env"] == env
    findings = {entry["subject"]: Finding(**entry) for entry in report["findings"]}
    return code, findings


def answer(path: str, body: Any) -> Callable[[Machine], None]:
    return lambda here: here.answers.update({path: body})
