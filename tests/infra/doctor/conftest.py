"""A machine, a Google and a GitHub with everything the doctor looks for.

Tests take something away.
"""

import json
import shutil
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
from settings import REPOSITORY, GitHub, Settings
from settings.names import ROLES as ROLES_OF_ACCOUNTS
from tests.standins.google.apis import GoogleApis

GITHUB = GitHub("mill/loom", 4711)
BILLING_ACCOUNT = "0A0A0A-0A0A0A-0A0A0A"
DEV = Settings(
    stage="dev",
    project_id="mill-dev",
    project_number=11,
    region="us-central1",
    github=GITHUB,
    deletable=True,
    approval_required=False,
    billing_account=BILLING_ACCOUNT,
    alert_emails=("a@mill.org",),
)
PROD = Settings(
    stage="prod",
    project_id="mill-prod",
    project_number=33,
    region="us-central1",
    github=GITHUB,
    promotes_from="dev",
    beam_engine="dataflow",
    network="mill-hub/workers",
    alert_emails=("a@mill.org",),
)
SUBNETWORK = "/compute/projects/mill-hub/regions/us-central1/subnetworks"
TOOLS = {
    "terraform": "Terraform v1.8.0",
    "node": "v22.1.0",
    "npm": "10.1.0",
    "git": "git version 2.1",
    "gcloud": "Google Cloud SDK 5.0",
}
ROLES = {
    *permissions.of_person(DEV).values(),
    *permissions.of_person(PROD).values(),
}
OF_OWN_BRANCHES = {"protected_branches": False, "custom_branch_policies": True}
MAIN = {"id": 1, "name": "main", "type": "branch"}
Answers = dict[str, Any]  # path -> body, or the status of a refusal, or both
Capture = pytest.CaptureFixture[str]
Findings = dict[str, Finding]  # by subject


class Machine:
    """Tools, Google and GitHub as one stage needs them; tests take something away."""

    def __init__(self, folder: Path, google: GoogleApis, answers: Answers) -> None:
        self.folder, self.google, self.answers = folder, google, answers
        for tool, version in TOOLS.items():
            self.install(tool, f"echo '{version}'")
        package = folder / "package.json"
        package.write_text('{"dependencies": {"cdktf-cli": "0.21.0"}}')
        self.cdktf_package = folder / "node_modules/cdktf-cli/package.json"
        self.cdktf_package.parent.mkdir(parents=True)
        self.cdktf("0.21.0")
        (folder / "build").mkdir()
        shutil.copy(REPOSITORY / "build/pins", folder / "build")
        self.builder(f"gcr.io/cloud-builders/docker@sha256:{'0' * 64}")

    def builder(self, image: str) -> None:
        """Write a recipe with one step, in this image."""
        (self.folder / "build/image.yaml").write_text(f"steps:\n- name: {image}\n")

    def cdktf(self, version: str) -> None:
        text = json.dumps({"version": version})
        self.cdktf_package.write_text(text)

    def install(self, tool: str, script: str) -> None:
        file = self.folder / tool
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def post(self, path: str, body: Any) -> None:
        text = json.dumps(body)
        status, *_ = self.google.respond("POST", path, text.encode())
        assert status == 200

    def delete(self, path: str) -> None:
        status, *_ = self.google.respond("DELETE", path, b"")
        assert status == 200

    def stand_up(self, settings: Settings) -> None:
        self.make_objects(settings)
        if settings.network:
            self.share_subnetwork(settings)
        self.answer_for(settings)

    def make_objects(self, settings: Settings) -> None:
        project, names = settings.project_id, settings.names
        products = (*apis.BOOTSTRAP, *apis.of_foundation(settings))
        services = [f"{product}.googleapis.com" for product in products]
        self.post(
            f"/service_usage/v1/projects/{project}/services:batchEnable", {"serviceIds": services}
        )
        self.post(f"/storage/v1/b?project={project}", {"name": names.bucket("state")})
        self.post(f"/storage/v1/b?project={project}", {"name": names.bucket("artifacts")})
        location = f"projects/{project}/locations/{settings.region}"
        self.post(
            f"/artifact_registry/v1/{location}/repositories?repositoryId={names.repository}", {}
        )
        dataset = f"/big_query/bigquery/v2/projects/{project}/datasets"
        verdicts = names.dataset("verdicts")
        self.post(dataset, {"datasetReference": {"datasetId": verdicts}})
        table = {"tableReference": {"tableId": "verdicts"}}
        self.post(f"{dataset}/{verdicts}/tables", table)
        self.google.add_topic(project, names.topic("promote"))
        for role in ROLES_OF_ACCOUNTS:
            self.post(
                f"/iam/v1/projects/{project}/serviceAccounts",
                {"accountId": names.service_account(role), "serviceAccount": {}},
            )
        self.post(
            f"/secret_manager/v1/projects/{project}/secrets?secretId={names.github_secret}", {}
        )
        self.google.add_secret_version(project, names.github_secret)

    def share_subnetwork(self, settings: Settings) -> None:
        self.post(SUBNETWORK, {"name": "workers", "privateIpGoogleAccess": True})
        agent = settings.names.service_agent("dataflow")
        self.let_use_subnetwork(agent)

    def let_use_subnetwork(self, *members: str) -> None:
        binding = {"role": "roles/compute.networkUser", "members": list(members)}
        self.post(f"{SUBNETWORK}/workers/setIamPolicy", {"policy": {"bindings": [binding]}})

    def answer_for(self, settings: Settings) -> None:
        project, number = settings.project_id, str(settings.project_number)
        agents = [settings.names.service_agent(product) for product in ("aiplatform", "cloudbuild")]
        rules = [{"type": "branch_policy"}]
        environment = f"/github/repos/mill/loom/environments/{settings.stage}"
        if settings.approval_required:
            rules.append({"type": "required_reviewers", "reviewers": [1]})
        self.answers |= {
            f"/crm/projects/{project}": {"projectId": project, "projectNumber": number},
            f"/crm/projects/{project}:getIamPolicy": {
                "bindings": [{"role": "roles/x", "members": agents}]
            },
            f"/crm/projects/{project}:testIamPermissions": {"permissions": sorted(ROLES)},
            f"{environment}-plan": {"protection_rules": [], "deployment_branch_policy": None},
            environment: {"protection_rules": rules, "deployment_branch_policy": OF_OWN_BRANCHES},
            f"{environment}/deployment-branch-policies": branch_policies(MAIN),
            f"/cloud_billing/projects/{project}/billingInfo": {
                "billingAccountName": f"billingAccounts/{BILLING_ACCOUNT}",
                "billingEnabled": True,
            },
        }


def branch_policies(*policies: dict[str, Any]) -> dict[str, Any]:
    """https://docs.github.com/en/rest/deployments/branch-policies"""
    return {"total_count": len(policies), "branch_policies": list(policies)}


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
        "/github/repos/mill/loom/rules/branches/main": [{"type": "pull_request"}],
        "/github/repos/mill/loom/branches/main": {"protected": False},
        "/github/orgs/mill/installations": {
            "installations": [{"id": 4711, "app_slug": "google-cloud-build"}]
        },
    }

    class Handler(Quiet):
        def do_GET(self) -> None:
            length = self.headers.get("content-length", "0")
            self.rfile.read(int(length))
            path, *_ = self.path.split("?")
            token = self.headers.get("authorization", "")
            choices = (f"{token} {path}", self.path, path)
            answer = next((responses[name] for name in choices if name in responses), 404)
            status, body = status_and_body(answer)
            text = json.dumps(body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET  # noqa: N815

    yield from serving(Handler, responses)


def status_and_body(answer: Any) -> tuple[int, Any]:
    if isinstance(answer, tuple):
        return answer
    if isinstance(answer, int):
        return answer, {"message": "no"}
    return 200, answer


def serving(
    handler: type[BaseHTTPRequestHandler], responses: Answers
) -> Iterator[tuple[str, Answers]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", responses
    server.shutdown()
    server.server_close()


@pytest.fixture
def here(
    tmp_path: Path, answers: tuple[str, Answers], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machine]:
    url, responses = answers
    numbers = {stage.project_id: str(stage.project_number) for stage in (DEV, PROD)}
    with GoogleApis(project_numbers=numbers) as google:
        variables = {
            **google.environment(),
            "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT": f"{url}/crm",
            "GOOGLE_OAUTH2_CUSTOM_ENDPOINT": f"{url}/oauth",
            "GOOGLE_CLOUD_BILLING_CUSTOM_ENDPOINT": f"{url}/cloud_billing/",
            "GOOGLE_IAM_CREDENTIALS_CUSTOM_ENDPOINT": f"{url}/credentials/",
            "GITHUB_API_URL": f"{url}/github",
            "GH_TOKEN": "t",
            "NO_PROXY": "*",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(machine, "REPOSITORY", tmp_path)
        monkeypatch.setattr(environments, "ENVIRONMENTS", {"dev": DEV, "prod": PROD})
        machine_ = Machine(tmp_path, google, responses)
        machine_.stand_up(DEV)
        machine_.stand_up(PROD)
        yield machine_


def diagnosed(capsys: Capture, env: str, *options: str) -> tuple[int, Findings]:
    """The exit code and the findings by subject."""
    code = diagnosis.main(["--env", env, "--json", *options])
    output = capsys.readouterr()
    report = json.loads(output.out)
    assert report["env"] == env
    findings = {entry["subject"]: Finding(**entry) for entry in report["findings"]}
    return code, findings


Change = Callable[[Machine], None]


def answer(path: str, body: Any) -> Change:
    return lambda here: here.answers.update({path: body})


def deletion(path: str) -> Change:
    return lambda here: here.delete(path)


def installation(name: str, script: str) -> Change:
    return lambda here: here.install(name, script)
