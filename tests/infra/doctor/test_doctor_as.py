"""The doctor asks, as each account of a stage, for the permissions it lacks for its calls."""

import pytest

from infra.doctor import calls, permissions
from settings.names import ROLES
from tests.infra.doctor.conftest import DEV, PROD, Capture, Machine, diagnosed

SETTINGS = {"dev": DEV, "prod": PROD}


def everything() -> dict[str, list[str]]:
    """The permissions on a project for all accounts together."""
    names = {permission for *_, permission in calls.IN_THE_PROJECT}
    names |= {*calls.ON_DATAFLOW, *permissions.TELLING.values(), *permissions.READING.values()}
    return {"permissions": sorted(names)}


def become(here: Machine, env: str, account: str, project: dict[str, list[str]]) -> None:
    """Let Ada have the account's token; the project answers it with `project`."""
    settings = SETTINGS[env]
    email = settings.names.service_account_email(account)
    path = f"/credentials/projects/-/serviceAccounts/{email}:generateAccessToken"
    here.answers[path] = {"accessToken": "of-the-account"}
    asked = f"/crm/projects/{settings.project_id}:testIamPermissions"
    here.answers[f"Bearer of-the-account {asked}"] = project
    here.answers[asked] = 403


@pytest.mark.parametrize("account", ROLES)
@pytest.mark.parametrize("env", ["dev", "prod"])
def test_an_account_that_has_all_lacks_nothing(
    here: Machine, env: str, account: str, capsys: Capture
) -> None:
    become(here, env, account, everything())

    code, findings = diagnosed(capsys, env, "--as", account)

    for finding in findings.values():
        assert finding.state == "ok", str(finding)
    assert code == 0
    assert "project" in findings


@pytest.mark.parametrize(
    ("account", "permission"),
    sorted({(account, permission) for account, _, permission in calls.IN_THE_PROJECT}),
)
def test_a_call_that_the_project_does_not_allow_is_named(
    here: Machine, account: str, permission: str, capsys: Capture
) -> None:
    names = everything()["permissions"]
    names.remove(permission)
    become(here, "dev", account, {"permissions": names})

    code, findings = diagnosed(capsys, "dev", "--as", account)

    assert code == 3
    finding = findings["project"]
    assert finding.detail.startswith(f"the account lacks {permission} (")
    assert finding.mend == "make deploy env=dev"


BUILDER, DEPLOYER, PIPELINE = "builder", "deployer", "pipeline"
ACT_AS = "iam.serviceAccounts.actAs"
OWN_DEPLOY, OWN_BOOTSTRAP = "make deploy env=dev", "make bootstrap env=dev"
# what is withheld on which object, from whom -> the row and its command
ABSENT = {
    "a listing": ("mill-dev-dev-artifacts", calls.LIST, BUILDER, "artifacts bucket", OWN_DEPLOY),
    "an upload": ("dev-images", calls.PUSH, BUILDER, "images", OWN_DEPLOY),
    "a verdict": (
        "dev_verdicts/tables/verdicts",
        "bigquery.tables.updateData",
        "monitor",
        "verdicts",
        OWN_DEPLOY,
    ),
    "a pull": ("dev-images", calls.PULL, PIPELINE, "images", OWN_DEPLOY),
    "a promotion": (
        "topics/prod-promote",
        "pubsub.topics.publish",
        BUILDER,
        "promotion to prod",
        "make deploy env=prod",
    ),
    "acting": (
        "dev-server@mill-dev.iam.gserviceaccount.com",
        ACT_AS,
        PIPELINE,
        "acting as server",
        OWN_BOOTSTRAP,
    ),
    "a trigger": (
        "dev-builder@mill-dev.iam.gserviceaccount.com",
        ACT_AS,
        DEPLOYER,
        "acting as builder",
        OWN_BOOTSTRAP,
    ),
    "the state": ("mill-dev-dev-state", calls.CREATE, DEPLOYER, "state bucket", OWN_BOOTSTRAP),
}


@pytest.mark.parametrize(
    ("name", "permission", "account", "subject", "command"), ABSENT.values(), ids=ABSENT
)
def test_what_an_account_lacks_elsewhere_is_named(
    here: Machine,
    name: str,
    permission: str,
    account: str,
    subject: str,
    command: str,
    capsys: Capture,
) -> None:
    become(here, "dev", account, everything())
    here.google.withhold(name, permission)

    code, findings = diagnosed(capsys, "dev", "--as", account)

    assert code == 3
    [missing] = [finding for finding in findings.values() if finding.state == "missing"]
    assert missing.subject == subject
    assert permission in missing.detail
    assert missing.mend == command


def test_a_token_that_has_ended_is_a_row(here: Machine, capsys: Capture) -> None:
    here.answers["/oauth/tokeninfo"] = 400

    code, findings = diagnosed(capsys, "dev", "--as", "server")

    assert code == 3
    assert findings["credentials"].state == "missing"
    assert "does not accept the access token" in findings["credentials"].detail


def test_what_is_granted_folder_by_folder_is_neither_there_nor_missing(
    here: Machine, capsys: Capture
) -> None:
    become(here, "dev", "server", everything())
    here.google.withhold("mill-dev-dev-artifacts", calls.GET)

    code, findings = diagnosed(capsys, "dev", "--as", "server")

    assert code == 1
    assert findings["objects"].state == "not asked"
    assert findings["objects"].detail.endswith("saved_model.fetch")


def test_the_account_s_own_credentials_are_used_as_they_are(here: Machine, capsys: Capture) -> None:
    email = DEV.names.service_account_email("server")
    here.answers["/oauth/tokeninfo"] = {"email": email}
    here.answers["/crm/projects/mill-dev:testIamPermissions"] = everything()

    code, findings = diagnosed(capsys, "dev", "--as", "server")

    assert code == 0
    assert findings["credentials"].detail == email


def test_who_may_not_take_the_account_s_place_is_told_how(here: Machine, capsys: Capture) -> None:
    email = DEV.names.service_account_email("builder")
    path = f"/credentials/projects/-/serviceAccounts/{email}:generateAccessToken"
    here.answers[path] = 403

    code, findings = diagnosed(capsys, "dev", "--as", "builder")

    assert code == 3
    assert findings["credentials"].mend == (
        f"gcloud iam service-accounts add-iam-policy-binding {email} "
        "--member=user:ada@mill.org --role=roles/iam.serviceAccountTokenCreator"
    )
    assert findings["project"].state == "not asked"


def test_an_account_that_is_none_is_wrong_usage(here: Machine) -> None:
    with pytest.raises(SystemExit) as end:
        diagnosed(None, "dev", "--as", "janitor")

    assert end.value.code == 2
