"""GitHub's jobs in an attacker's hands: the rights of each, by GitHub's and Google's rules.

GitHub (https://docs.github.com/en/actions/reference): a workflow's file is that of the ref
(workflows-and-actions/events-that-trigger-workflows), a fork's job has no more than a token that
reads (workflows-and-actions/workflow-syntax#permissions), a token's claims are in security/oidc.
Google: a provider's
condition and mapping decide on the subject, a grant to it on the account
(https://cloud.google.com/iam/docs/workload-identity-federation).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import yaml

from settings import REPOSITORY
from tests.infra.conftest import Resource, Synthesized, stage_of

Claims = dict[str, str]
FOLDER = REPOSITORY / ".github/workflows"
PROVIDER = "google_iam_workload_identity_pool_provider"
CALLED = "$/.github/workflows/"
CHECKOUT = "actions/checkout"


@dataclass(frozen=True)
class Event:
    """The cause of a workflow's run, and the ref it runs by."""

    name: str
    ref: str
    fork: bool = False


@dataclass(frozen=True)
class Job:
    """A job of the workflows: its rights, and whether code of the change runs in it."""

    name: str
    permissions: Mapping[str, str]
    environment: str | None
    runs_the_change: bool


def pull_request_jobs(stage: str, event: Event) -> Iterator[Job]:
    """The jobs of a pull request by the workflows as they are, for a stage of the matrix."""
    for name, workflow in workflows().items():
        if event.name in workflow["on"]:
            for id_, body in workflow["jobs"].items():
                yield from _jobs(f"{name} {id_}", body, stage, event)


def workflows() -> dict[str, Any]:
    texts = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.yml"))}
    return {name: yaml.load(text, yaml.BaseLoader) for name, text in texts.items()}


def _jobs(name: str, body: dict[str, Any], stage: str, event: Event) -> Iterator[Job]:
    if "uses" not in body:
        yield _job(name, body, stage, event)
        return
    called = workflows()[body["uses"].removeprefix(CALLED)]
    for id_, called_body in called["jobs"].items():
        condition = called_body.get("if", "")
        if "inputs.apply" not in condition or body["with"]["apply"] == "true":
            yield _job(f"{name} {id_}", called_body, stage, event)


def _job(name: str, body: dict[str, Any], stage: str, event: Event) -> Job:
    environment = body.get("environment")
    if environment:
        environment = environment.replace("${{ inputs.stage }}", stage)
    actions = [step.get("uses", "") for step in body["steps"]]
    runs_the_change = any(action.startswith(CHECKOUT) for action in actions)
    permissions = granted(event, body["permissions"])
    return Job(name, permissions, environment, runs_the_change)


def granted(event: Event, permissions: Mapping[str, str]) -> dict[str, str]:
    """The permissions of the job's token; a fork's reads, and asks for no identity."""
    if not event.fork:
        return dict(permissions)
    return {scope: "read" for scope in permissions if scope != "id-token"}


def token(event: Event, environment: str | None, repository: str, subject: str) -> Claims:
    """The claims of a job's OpenID Connect token; `subject` is how `sub` names the repository."""
    claims = {"repository": repository, "ref": event.ref, "event_name": event.name}
    if environment is None:
        return {**claims, "sub": f"repo:{subject}:ref:{event.ref}"}
    return {
        **claims,
        "environment": environment,
        "sub": f"repo:{subject}:environment:{environment}",
    }


def accounts(synthesized: Synthesized, claims: Claims) -> set[str]:
    """The accounts of every stage within reach of the token's bearer."""
    names = set()
    for stack, provider in synthesized.each(PROVIDER):
        subject = _subject(provider, claims)
        if subject is not None:
            names.update(_accounts_of(synthesized, stack, subject))
    return names


def _subject(provider: Resource, claims: Claims) -> str | None:
    """The token's subject by the provider, or None if it is refused, as for a lacking claim."""
    assertion = SimpleNamespace(**claims)
    condition = provider.attribute_condition.replace("&&", "and")
    try:
        if not _evaluated(condition, assertion):
            return None
        return _evaluated(provider.attribute_mapping["google.subject"], assertion)
    except AttributeError:
        return None


def _evaluated(expression: str, assertion: SimpleNamespace) -> Any:
    """The value of one of our expressions; they read the same in CEL and in Python."""
    return eval(expression, {"__builtins__": {}}, {"assertion": assertion})


def _accounts_of(synthesized: Synthesized, stack: str, subject: str) -> Iterator[str]:
    ids = {}
    for id_, account in synthesized.by_id(stack, "google_service_account").items():
        ids[f"${{google_service_account.{id_}.name}}"] = account.account_id
    for grant in synthesized.of(stack, "google_service_account_iam_member"):
        _, _, granted_subject = grant.member.partition("/subject/")
        if grant.role == "roles/iam.workloadIdentityUser" and granted_subject == subject:
            name = ids[grant.service_account_id]
            assert name.startswith(stage_of(stack))
            yield name
