"""The doctor with everything present, then without each thing in turn."""

import io
import re
import shutil
from dataclasses import replace

import pytest
from rich.console import Console

import environments
from infra.doctor import diagnosis, permissions
from infra.doctor.finding import Finding
from settings import GitHub
from tests.infra.doctor.conftest import (
    DEV,
    MAIN,
    PROD,
    ROLES,
    SUBNETWORK,
    Capture,
    Change,
    Machine,
    answer,
    branch_policies,
    deletion,
    diagnosed,
    installation,
)
from tests.standins.google.faults import Fault


@pytest.mark.parametrize(
    ("env", "reviewers"),
    [("dev", "without reviewers, main alone"), ("prod", "with reviewers, main alone")],
)
def test_says_yes_where_everything_is_there(
    here: Machine, env: str, reviewers: str, capsys: Capture
) -> None:
    code, findings = diagnosed(capsys, env)

    for finding in findings.values():
        assert finding.state == "ok", str(finding)
    assert code == 0
    assert findings["credentials"].detail == "ada@mill.org (GOOGLE_OAUTH_ACCESS_TOKEN)"
    assert findings[f"GitHub's {env}"].detail == reviewers


def lose_version(here: Machine) -> None:
    here.google.change(
        "secret_manager", "projects/mill-dev/secrets/dev-github-token/versions/1", state="DISABLED"
    )


def connect(here: Machine) -> None:
    here.post(
        "/cloudbuildv2/v2/projects/mill-dev/locations/us-central1/connections?"
        f"connectionId={DEV.names.connection}",
        {
            "installationState": {
                "stage": "PENDING_INSTALL_APP",
                "message": "install it",
                "actionUri": "https://x.org/install",
            }
        },
    )


def take_state_bucket(here: Machine) -> None:
    """Somebody else has made the bucket, and lets everybody in."""
    here.delete("/storage/v1/b/mill-dev-dev-state")
    here.post("/storage/v1/b?project=others", {"name": "mill-dev-dev-state"})


def take_and_close_state_bucket(here: Machine) -> None:
    take_state_bucket(here)
    here.google.faults.append(Fault("GET", "b/mill-dev-dev-state", 403))


def lose_subscription(here: Machine) -> None:
    """Pub/Sub has deleted it after a month of silence."""
    topic = f"projects/mill-dev/topics/{DEV.names.topic('promote')}"
    here.google.add_trigger(
        "mill-dev",
        "us-central1",
        "dev-promote",
        pubsubConfig={"topic": topic},
        gitFileSource={"path": "build/promote.yaml", "revision": "refs/heads/main"},
    )
    here.delete("/pubsub/v1/projects/mill-dev/subscriptions/gcb-dev-promote")


def tell_nobody(_: Machine) -> None:
    environments.ENVIRONMENTS["dev"] = replace(DEV, alert_emails=())


def bill(**info: object) -> Change:
    return answer("/cloud_billing/projects/mill-dev/billingInfo", info)


def permissions_without(*absent: str) -> dict[str, list[str]]:
    return {"permissions": sorted(ROLES.difference(absent))}


ACT_AS = "iam.serviceAccounts.actAs"
LINK = "gcloud billing projects link mill-dev --billing-account=0A0A0A-0A0A0A-0A0A0A"
OWN_ACCOUNT = "billingAccounts/0A0A0A-0A0A0A-0A0A0A"
HUB = "--project=mill-hub --region=us-central1"
BIND = "gcloud projects add-iam-policy-binding mill-dev --member="
PUT = "gh api --method PUT repos/mill/loom/environments"
AGENT = "serviceAccount:service-11@gcp-sa-aiplatform.iam.gserviceaccount.com"
CLOUDBUILD = "serviceAccount:service-11@gcp-sa-cloudbuild.iam.gserviceaccount.com"
POST = "gh api --method POST repos/mill/loom/environments"
DELETE = "gh api --method DELETE repos/mill/loom/environments"
ONE_BRANCH = (
    "-F 'deployment_branch_policy[protected_branches]=false' "
    "-F 'deployment_branch_policy[custom_branch_policies]=true'"
)
OF_PROTECTED = {"protected_branches": True, "custom_branch_policies": False}
REVIEWED = {"protection_rules": [{"type": "required_reviewers"}], "deployment_branch_policy": None}
TAG = {"id": 7, "name": "main", "type": "tag"}
ANY = {"id": 8, "name": "*", "type": "branch"}
RULES = {"protection_rules": [{"type": "wait_timer"}, {"type": "branch_policy"}]}
# what is taken away, from which stage -> the row and the command
TRIAL_STATE = {"name": "mill-dev-trial-state", "labels": {"managed-by": "esteira"}}
ABSENT: dict[str, tuple[Change, str, str, str]] = {
    "no git": (
        lambda here: (here.folder / "git").unlink(),
        "dev",
        "git",
        "install git: https://git-scm.com/downloads",
    ),
    "an old terraform": (
        installation("terraform", "echo Terraform v1.7.5"),
        "dev",
        "terraform",
        "install terraform 1.8 or newer: https://developer.hashicorp.com/terraform/install",
    ),
    "node 24": (
        installation("node", "echo v24.0.0"),
        "dev",
        "node",
        "install node 20 or 22: https://nodejs.org/en/download",
    ),
    "no gcloud": (
        lambda here: (here.folder / "gcloud").unlink(),
        "dev",
        "gcloud",
        "install gcloud: https://cloud.google.com/sdk/docs/install",
    ),
    "a broken npm": (
        installation("npm", "echo 10.1.0; exit 1"),
        "dev",
        "npm",
        "install npm: https://nodejs.org/en/download",
    ),
    "another cdktf": (
        lambda here: here.cdktf("0.20.0"),
        "dev",
        "cdktf",
        "make --always-make node_modules",
    ),
    "no cdktf": (
        lambda here: shutil.rmtree(here.folder / "node_modules"),
        "dev",
        "cdktf",
        "make --always-make node_modules",
    ),
    "a builder by its tag": (
        lambda here: here.builder("gcr.io/cloud-builders/docker"),
        "dev",
        "image digests",
        "make pins",
    ),
    "a token that ended": (
        answer("/oauth/tokeninfo", 400),
        "dev",
        "credentials",
        "export GOOGLE_OAUTH_ACCESS_TOKEN=$(gcloud auth print-access-token)",
    ),
    "no project": (
        answer("/crm/projects/mill-dev", 404),
        "dev",
        "project",
        "gcloud projects create mill-dev",
    ),
    "another project number": (
        answer("/crm/projects/mill-dev", {"projectNumber": "12"}),
        "dev",
        "project",
        "sed -i.bak s/11/12/ environments.py",
    ),
    "an API off": (
        deletion("/service_usage/v1/projects/mill-dev/services/sts.googleapis.com"),
        "dev",
        "APIs",
        "gcloud services enable sts.googleapis.com --project=mill-dev",
    ),
    "no agent of Vertex": (
        answer(
            "/crm/projects/mill-dev:getIamPolicy",
            {"bindings": [{"role": "r", "members": [CLOUDBUILD]}]},
        ),
        "dev",
        "Vertex agent",
        "gcloud beta services identity create --service=aiplatform.googleapis.com "
        "--project=mill-dev && "
        f"{BIND}{AGENT} --role=roles/aiplatform.serviceAgent --condition=None",
    ),
    "no agent of Cloud Build": (
        answer(
            "/crm/projects/mill-dev:getIamPolicy", {"bindings": [{"role": "r", "members": [AGENT]}]}
        ),
        "dev",
        "Cloud Build agent",
        "gcloud beta services identity create --service=cloudbuild.googleapis.com "
        "--project=mill-dev && "
        f"{BIND}{CLOUDBUILD} --role=roles/cloudbuild.serviceAgent --condition=None",
    ),
    "a role": (
        answer(
            "/crm/projects/mill-dev:testIamPermissions",
            permissions_without("pubsub.topics.setIamPolicy"),
        ),
        "dev",
        "roles",
        f"{BIND}user:ada@mill.org --role=roles/pubsub.admin --condition=None",
    ),
    "two roles": (
        answer(
            "/crm/projects/mill-dev:testIamPermissions",
            permissions_without("iam.roles.create", "storage.buckets.create"),
        ),
        "dev",
        "roles",
        (
            f"for role in iam.roleAdmin storage.admin; do {BIND}user:ada@mill.org "
            "--role=roles/$role --condition=None; done"
        ),
    ),
    "billing": (
        answer("/cloud_billing/billingAccounts/0A0A0A-0A0A0A-0A0A0A:testIamPermissions", {}),
        "dev",
        "billing account",
        (
            "gcloud billing accounts add-iam-policy-binding 0A0A0A-0A0A0A-0A0A0A "
            "--member=user:ada@mill.org --role=roles/billing.admin"
        ),
    ),
    "no billing": (bill(), "dev", "billing", LINK),
    "a closed billing account": (
        bill(billingAccountName=OWN_ACCOUNT, billingEnabled=False),
        "dev",
        "billing",
        LINK,
    ),
    "another billing account": (
        bill(billingAccountName="billingAccounts/0B0B0B-0B0B0B-0B0B0B", billingEnabled=True),
        "dev",
        "billing",
        LINK,
    ),
    "acting as the builder": (
        lambda here: here.google.withhold("dev-builder@mill-dev.iam.gserviceaccount.com", ACT_AS),
        "dev",
        "acting as builder",
        f"{BIND}user:ada@mill.org --role=roles/iam.serviceAccountUser --condition=None",
    ),
    "acting as the monitor": (
        lambda here: here.google.withhold("dev-monitor@mill-dev.iam.gserviceaccount.com", ACT_AS),
        "dev",
        "acting as monitor",
        f"{BIND}user:ada@mill.org --role=roles/iam.serviceAccountUser --condition=None",
    ),
    "a subscription that heard nothing for a month": (
        lose_subscription,
        "dev",
        "subscriptions",
        (
            "gcloud builds triggers delete dev-promote --region=us-central1 --project=mill-dev "
            "&& make deploy env=dev"
        ),
    ),
    "nobody to tell": (tell_nobody, "dev", "alerts", "${EDITOR:-vi} environments.py"),
    "a renamed stage": (
        lambda here: here.post("/storage/v1/b?project=mill-dev", TRIAL_STATE),
        "dev",
        "other stages",
        "put its entry back, `make teardown env=trial`, then delete its state bucket",
    ),
    "a state bucket of somebody else's": (
        take_state_bucket,
        "dev",
        "state bucket",
        "${EDITOR:-vi} environments.py",
    ),
    "a closed state bucket of somebody else's": (
        take_and_close_state_bucket,
        "dev",
        "state bucket",
        "${EDITOR:-vi} environments.py",
    ),
    "no state bucket": (
        deletion("/storage/v1/b/mill-dev-dev-state"),
        "dev",
        "state bucket",
        "make bootstrap env=dev",
    ),
    "the next stage's builder": (
        deletion(
            "/iam/v1/projects/mill-prod/serviceAccounts/"
            "prod-builder@mill-prod.iam.gserviceaccount.com"
        ),
        "dev",
        "builder of prod",
        "make bootstrap env=prod",
    ),
    "the stage before's builder": (
        deletion(
            "/iam/v1/projects/mill-dev/serviceAccounts/dev-builder@mill-dev.iam.gserviceaccount.com"
        ),
        "prod",
        "builder of dev",
        "make bootstrap env=dev",
    ),
    "no secret": (
        deletion("/secret_manager/v1/projects/mill-dev/secrets/dev-github-token"),
        "dev",
        "GitHub token",
        "make bootstrap env=dev",
    ),
    "an empty secret": (
        lose_version,
        "dev",
        "GitHub token",
        "gcloud secrets versions add dev-github-token --data-file=- --project=mill-dev",
    ),
    "no subnetwork": (
        deletion(f"{SUBNETWORK}/workers"),
        "prod",
        "subnetwork",
        "gcloud compute networks subnets list --project=mill-hub --regions=us-central1",
    ),
    "a subnetwork without Private Google Access": (
        lambda here: here.google.change(
            "compute", f"{SUBNETWORK}/workers".removeprefix("/compute/"), privateIpGoogleAccess=None
        ),
        "prod",
        "subnetwork",
        f"gcloud compute networks subnets update workers {HUB} --enable-private-ip-google-access",
    ),
    "a subnetwork that Dataflow may not use": (
        lambda here: here.let_use_subnetwork("group:others@mill.org"),
        "prod",
        "subnetwork",
        f"gcloud compute networks subnets add-iam-policy-binding workers {HUB} "
        "--member=serviceAccount:service-33@dataflow-service-producer-prod.iam.gserviceaccount.com "
        "--role=roles/compute.networkUser",
    ),
    "no app": (
        answer(
            "/github/orgs/mill/installations",
            {"installations": [{"id": 4711, "app_slug": "another"}]},
        ),
        "dev",
        "GitHub app",
        "open https://github.com/apps/google-cloud-build/installations/new",
    ),
    "another installation of the app": (
        answer(
            "/github/orgs/mill/installations",
            {"installations": [{"id": 5, "app_slug": "google-cloud-build"}]},
        ),
        "dev",
        "GitHub app",
        "sed -i.bak s/4711/5/ environments.py",
    ),
    "a connection that waits": (connect, "dev", "GitHub app", "open https://x.org/install"),
    "no environment for plans": (
        answer("/github/repos/mill/loom/environments/prod-plan", 404),
        "prod",
        "GitHub's prod-plan",
        f"{PUT}/prod-plan",
    ),
    "rules where plans act": (
        answer("/github/repos/mill/loom/environments/dev-plan", RULES),
        "dev",
        "GitHub's dev-plan",
        f"{PUT}/dev-plan -F wait_timer=0 -F reviewers=null -F deployment_branch_policy=null",
    ),
    "no environment that needs reviewers": (
        answer("/github/repos/mill/loom/environments/prod", 404),
        "prod",
        "GitHub's prod",
        f"""{PUT}/prod -f 'reviewers[][type]=User' -F "reviewers[][id]=$(gh api user --jq .id)" """
        f"{ONE_BRANCH} && {POST}/prod/deployment-branch-policies -f name=main",
    ),
    "no environment that needs none": (
        answer("/github/repos/mill/loom/environments/dev", 404),
        "dev",
        "GitHub's dev",
        f"{PUT}/dev {ONE_BRANCH} && {POST}/dev/deployment-branch-policies -f name=main",
    ),
    "a deployer of every branch": (
        answer(
            "/github/repos/mill/loom/environments/dev",
            {"protection_rules": [], "deployment_branch_policy": None},
        ),
        "dev",
        "GitHub's dev",
        f"{PUT}/dev {ONE_BRANCH} && {POST}/dev/deployment-branch-policies -f name=main",
    ),
    "a deployer of every protected branch": (
        answer(
            "/github/repos/mill/loom/environments/dev", {"deployment_branch_policy": OF_PROTECTED}
        ),
        "dev",
        "GitHub's dev",
        f"{PUT}/dev {ONE_BRANCH} && {POST}/dev/deployment-branch-policies -f name=main",
    ),
    "a reviewed deployer of every branch": (
        answer("/github/repos/mill/loom/environments/prod", REVIEWED),
        "prod",
        "GitHub's prod",
        "let main alone deploy: https://github.com/mill/loom/settings/environments",
    ),
    "a deployer of other branches, too": (
        answer(
            "/github/repos/mill/loom/environments/dev/deployment-branch-policies",
            branch_policies(MAIN, ANY),
        ),
        "dev",
        "GitHub's dev",
        f"{DELETE}/dev/deployment-branch-policies/8",
    ),
    "a deployer of a tag that is called as the branch": (
        answer(
            "/github/repos/mill/loom/environments/dev/deployment-branch-policies",
            branch_policies(TAG),
        ),
        "dev",
        "GitHub's dev",
        f"{DELETE}/dev/deployment-branch-policies/7 && "
        f"{POST}/dev/deployment-branch-policies -f name=main",
    ),
    "a branch that anyone pushes to": (
        answer("/github/repos/mill/loom/rules/branches/main", [{"type": "deletion"}]),
        "dev",
        "GitHub's branch",
        "require a pull request for main: https://github.com/mill/loom/settings/rules",
    ),
    "another default branch": (
        answer("/github/repos/mill/loom", {"default_branch": "trunk"}),
        "dev",
        "GitHub's branch",
        "${EDITOR:-vi} environments.py",
    ),
    "no reviewers": (
        answer("/github/repos/mill/loom/environments/prod", RULES),
        "prod",
        "GitHub's prod",
        "add required reviewers: https://github.com/mill/loom/settings/environments",
    ),
}


@pytest.mark.parametrize(("take", "env", "subject", "mend"), ABSENT.values(), ids=ABSENT)
def test_tells_what_is_missing_and_what_mends_it(
    here: Machine,
    take: Change,
    env: str,
    subject: str,
    mend: str,
    capsys: Capture,
) -> None:
    take(here)

    code, findings = diagnosed(capsys, env)

    assert code == 3
    [missing] = [finding for finding in findings.values() if finding.state == "missing"]
    assert missing.subject == subject
    assert missing.mend == mend
    first, *_ = findings
    assert first == subject


def test_a_branch_is_protected_by_a_protection_of_the_older_kind_too(
    here: Machine, capsys: Capture
) -> None:
    here.answers["/github/repos/mill/loom/rules/branches/main"] = []
    here.answers["/github/repos/mill/loom/branches/main"] = {"protected": True}

    code, findings = diagnosed(capsys, "dev")

    assert findings["GitHub's branch"].detail == "main is the default one, and protected"
    assert code == 0


def test_the_state_of_another_terraform_is_no_forgotten_stage(
    here: Machine, capsys: Capture
) -> None:
    here.post("/storage/v1/b?project=mill-dev", {"name": "mill-dev-terraform-state"})

    code, findings = diagnosed(capsys, "dev")

    assert findings["other stages"].state == "ok"
    assert code == 0


def test_every_row_has_been_seen_to_say_no(here: Machine, capsys: Capture) -> None:
    """Except the row of environments.py: its placeholders have a test of their own."""
    seen = {subject.replace(env, "STAGE") for _, env, subject, _ in ABSENT.values()}

    for env in ("dev", "prod"):
        _, findings = diagnosed(capsys, env)

        unseen = {subject.replace(env, "STAGE") for subject in findings} - seen
        assert unseen <= {"environments.py", "GitHub's STAGE-plan", "GitHub's STAGE"}, env


def test_every_role_that_can_be_explained_is_asked_for() -> None:
    everything = replace(PROD, network=None, legacy_ai_platform=True)

    roles = {*permissions.of_person(DEV), *permissions.of_person(everything)}
    reading_roles = permissions.of_planner(everything)

    assert roles == set(permissions.TELLING)
    assert set(reading_roles) == set(permissions.READING)


def test_who_may_act_as_every_account_of_the_project_needs_no_role_on_one(
    here: Machine, capsys: Capture
) -> None:
    here.google.withhold("dev-builder@mill-dev.iam.gserviceaccount.com", ACT_AS)
    here.answers["/crm/projects/mill-dev:testIamPermissions"] = {
        "permissions": [*ROLES, ACT_AS],
    }

    code, findings = diagnosed(capsys, "dev")

    assert code == 0
    assert findings["acting as builder"].detail.endswith("as every account of mill-dev")


def test_dataflow_may_use_a_subnetwork_by_a_grant_on_all_of_the_host_project(
    here: Machine, capsys: Capture
) -> None:
    agent = "service-33@dataflow-service-producer-prod.iam.gserviceaccount.com"
    binding = {"role": "roles/compute.networkUser", "members": [f"serviceAccount:{agent}"]}
    here.let_use_subnetwork()
    here.answers["/crm/projects/mill-hub:getIamPolicy"] = {"bindings": [binding]}

    code, findings = diagnosed(capsys, "prod")

    assert findings["subnetwork"].state == "ok"
    assert code == 0


SHIPPED = replace(
    DEV,
    project_id="acme-any",
    project_number=100000000009,
    github=GitHub("acme/esteira", 12345678),
    alert_emails=("ml-oncall@acme.example",),
)


def test_placeholders_are_named_and_nobody_is_asked_about_them(
    here: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(environments, "ENVIRONMENTS", {"dev": SHIPPED})
    here.answers.clear()
    here.google.requests.clear()

    code, findings = diagnosed(capsys, "dev")

    assert code == 3
    placeholders = findings["environments.py"]
    assert placeholders.detail == (
        "dev still has the shipped values: project_id acme-any; project_number 100000000009; "
        "github.repository acme/esteira; "
        "github.app_installation_id 12345678; alert_emails ml-oncall@acme.example"
    )
    assert placeholders.mend == "${EDITOR:-vi} environments.py"
    assert findings["state bucket"].detail == "dev's project_id is still a placeholder"
    assert findings["GitHub's dev"].detail == "dev's github.repository is still a placeholder"
    assert here.google.requests == []


@pytest.mark.parametrize("env", ["", "production"])
def test_an_environment_that_is_none_is_one_sentence(env: str, capsys: Capture) -> None:
    code = diagnosis.main(["--env", env])

    assert code == 2
    output = capsys.readouterr()
    stages = ", ".join(environments.ENVIRONMENTS)
    assert output.err == f"env is {env!r}, allowed are {stages}\n"


def test_says_a_line_each_where_no_terminal_is(here: Machine, capsys: Capture) -> None:
    here.delete("/storage/v1/b/mill-dev-dev-state")

    diagnosis.main(["--env", "dev"])

    output = capsys.readouterr()
    first_line, *_ = output.out.splitlines()
    problem, command = "there is no gs://mill-dev-dev-state", "make bootstrap env=dev"
    assert first_line == f"missing: state bucket: {problem}; {command}"
    assert output.err == "dev: 1 missing, 27 ok\n"


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_terminal_but_never_breaks_a_command(width: int) -> None:
    command, long_word, wide = "x" * 200, "y" * 200, "[a] long " * 20
    findings = [
        Finding("roles", "missing", wide, command),
        Finding("more", "missing", long_word, command),
        Finding("git", "ok", "2.1"),
    ]
    screen = io.StringIO()
    console = Console(
        file=screen, force_terminal=True, no_color=True, width=width, color_system=None
    )

    diagnosis.tell(findings, console)

    text = screen.getvalue()
    lines = [line.rstrip() for line in text.splitlines()]
    assert [line.strip() for line in lines].count(command) == 1
    for line in lines:
        if command not in line:
            assert len(line) <= width
    states = re.findall(r"^\S+", text, re.MULTILINE)
    assert states == ["state", "missing", "missing", "ok"]
    assert text.count("[a]") == 20
    assert text.count("y") == 200


def test_each_role_of_whoever_deploys_is_told_by_a_permission_of_its_own() -> None:
    settings = replace(DEV, legacy_ai_platform=True)

    permission_by_role = permissions.of_person(settings)

    assert "roles/ml.admin" in permission_by_role
    different_permissions = set(permission_by_role.values())
    assert len(different_permissions) == len(permission_by_role)
