"""A hostile change and everything in its reach: accounts, tokens and secrets.

Its author may push a branch and edit every file, the workflows too. What is listed here is what
such an author is trusted with.
"""

import re

import pytest

from environments import ENVIRONMENTS
from tests.infra import github_actions
from tests.infra.conftest import Synthesized, every_stage
from tests.infra.github_actions import Event, accounts, granted, pull_request_jobs, token

REPOSITORY = "mill/loom"
# How `sub` names a repository, which no binding may depend on: by its name, or with the numbers of
# owner and repository where it was made after 15 July 2026.
SUBJECTS = [REPOSITORY, "mill@12/loom@34"]
PULL_REQUEST = Event("pull_request", "refs/pull/7/merge")
FROM_A_FORK = Event("pull_request", "refs/pull/7/merge", fork=True)
HOSTILE = {
    "a pull request": PULL_REQUEST,
    "a push to a branch": Event("push", "refs/heads/evil"),
    "a branch that looks like the delivered one": Event("push", "refs/heads/refs/heads/main"),
    "a tag with the branch's name": Event("push", "refs/tags/main"),
    "a pull request into a branch of its own": Event("pull_request_target", "refs/heads/evil"),
    "a merge queue": Event("merge_group", "refs/heads/gh-readonly-queue/main/pr-7-0123"),
    "a run by hand of a branch": Event("workflow_dispatch", "refs/heads/evil"),
}
DELIVERED = Event("push", "refs/heads/main")
ALL_STAGES = list(ENVIRONMENTS)
PLANNERS = {f"{stage}-planner" for stage in ALL_STAGES}
# Environments that an edited workflow may name: ours, and names that would forge a subject.
FORGED = ["dev:refs/heads/main", "dev-plan:refs/heads/main", "dev,dev-plan"]
NAMED = [None, *ALL_STAGES, *[f"{stage}-plan" for stage in ALL_STAGES], *FORGED]


def reached(synthesized: Synthesized, event: Event, repository: str, subject: str) -> set[str]:
    """The accounts in reach of a workflow, naming each environment in turn."""
    names = set()
    for environment in NAMED:
        claims = token(event, environment, repository, subject)
        names |= accounts(synthesized, claims)
    return names


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("event", HOSTILE.values(), ids=HOSTILE)
def test_an_edited_workflow_becomes_planners_and_nobody_else(synthesized, event, subject) -> None:
    names = reached(synthesized, event, REPOSITORY, subject)

    assert names == PLANNERS


@pytest.mark.parametrize("event", [PULL_REQUEST, DELIVERED], ids=["pull request", "its main"])
def test_another_repository_becomes_nobody(synthesized, event) -> None:
    names = reached(synthesized, event, "evil/loom", "evil/loom")

    assert names == set()


def test_a_fork_is_given_no_identity_and_a_token_that_reads() -> None:
    wishes = {"contents": "write", "pull-requests": "write", "id-token": "write"}

    permissions = granted(FROM_A_FORK, wishes)

    assert permissions == {"contents": "read", "pull-requests": "read"}


@pytest.mark.parametrize("subject", SUBJECTS)
@every_stage
def test_a_job_of_the_delivered_branch_becomes_the_deployer_of_its_environment(
    synthesized, settings, subject
) -> None:
    environment = settings.names.github_environment("deployer")
    claims = token(DELIVERED, environment, REPOSITORY, subject)

    names = accounts(synthesized, claims)

    assert names == {settings.names.service_account("deployer")}


NOTHING = ({"contents": "read"}, set())
# By job of the workflows as they are: token and accounts of the code that the change brings.
WITHIN = {
    "checks.yml checks": NOTHING,  # code in tests
    "checks.yml images": NOTHING,  # code in the images
    "plan.yml review": NOTHING,  # code in synth and policy
    "plan.yml plan plan": ({"contents": "read", "id-token": "write"}, PLANNERS),  # code in synth
    "plan.yml compose": NOTHING,  # code in the comment's composer
}


def test_code_of_a_change_reaches_this_within_the_workflows_as_they_are(synthesized) -> None:
    within = {}
    jobs = [job for stage in ALL_STAGES for job in pull_request_jobs(stage, PULL_REQUEST)]
    for job in jobs:
        if job.runs_the_change:
            permissions, names = within.setdefault(job.name, (job.permissions, set()))
            if "id-token" in permissions:
                claims = token(PULL_REQUEST, job.environment, REPOSITORY, REPOSITORY)
                names |= accounts(synthesized, claims)

    assert within == WITHIN


def test_no_job_that_may_write_runs_code_of_the_change() -> None:
    writing = []
    for job in pull_request_jobs("dev", PULL_REQUEST):
        scopes = {scope for scope, right in job.permissions.items() if right == "write"}
        if scopes - {"id-token"}:
            writing.append((job.name, scopes, job.runs_the_change))

    assert writing == [("plan.yml comment", {"pull-requests"}, False)]


def test_the_jobs_of_a_fork_are_given_tokens_that_read() -> None:
    rights = set()
    for job in pull_request_jobs("dev", FROM_A_FORK):
        rights |= set(job.permissions.values())

    assert rights == {"read"}


def test_there_is_no_secret_for_a_workflow_to_read() -> None:
    for name in github_actions.workflows():
        file = github_actions.FOLDER / name
        text = file.read_text()
        assert not re.search(r"\bsecrets\b\s*[.:\[]", text), name


@every_stage
def test_a_planner_reads_the_state_and_is_granted_no_secret_no_data_and_no_account(
    synthesized, settings
) -> None:
    """The most in a hostile author's reach, in each stage."""
    reading = re.compile(r".*([vV]iewer|[rR]eader|securityReviewer|browser|serviceUsageConsumer)")
    bootstrap, name = f"bootstrap-{settings.stage}", settings.names.service_account("planner")
    bootstrap_accounts = synthesized.by_id(bootstrap, "google_service_account")
    [planner] = [id_ for id_, body in bootstrap_accounts.items() if body.account_id == name]
    member = f"${{google_service_account.{planner}.member}}"
    grants = list(synthesized.grants())

    named = [grant for grant in grants if name in grant.member]
    own_grants = [grant for grant in grants if (grant.stack, grant.member) == (bootstrap, member)]

    elsewhere = [grant for grant in own_grants if grant.type != "google_project_iam_member"]
    assert named == []
    assert len(own_grants) > 10
    assert [(grant.type, grant.role) for grant in elsewhere] == [
        ("google_storage_bucket_iam_member", "roles/storage.objectViewer")
    ]
    for grant in own_grants:
        assert reading.fullmatch(grant.role), grant
