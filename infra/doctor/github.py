"""What must be there on GitHub: Cloud Build's app, and the environments of the jobs.

Cloud Build reads the repository by the app. The environments' jobs may plan and apply.
"""

import itertools
import os
import urllib.parse

from infra.doctor import deployment_branches
from infra.doctor.cloud import unless_shipped
from infra.doctor.finding import Check, Finding, NotAskedError, missing, ok
from infra.doctor.google import Google
from infra.doctor.rest import Body, Rest, accepted
from settings import Settings

APP = "google-cloud-build"
PAGE = "https://github.com"
PAGE_SIZE = 100  # the most that GitHub answers at once
REVIEWER_OPTIONS = """-f 'reviewers[][type]=User' -F "reviewers[][id]=$(gh api user --jq .id)\""""


class GitHub:
    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        address = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
        self._address = address.rstrip("/")
        self._token = os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN")

    def ask(self, path: str) -> Body | None:
        """Return the document at `path`, or None if it is absent or hidden from the token."""
        if not self._token:
            raise NotAskedError(
                "without GH_TOKEN or GITHUB_TOKEN GitHub can't be asked",
                "export GH_TOKEN=$(gh auth token)",
            )
        url = f"{self._address}/{path}"
        status, body = self._rest.ask(url, token=self._token)
        return accepted(url, status, body)

    def installations(self, owner: str) -> list[Body] | None:
        """Return an organization's apps, or None if the token may not see them.

        GitHub numbers its pages; one that is not full is the last.
        """
        entries: list[Body] = []
        for number in itertools.count(1):
            path = f"orgs/{owner}/installations?per_page={PAGE_SIZE}&page={number}"
            answer = self.ask(path)
            if answer is None:
                return None
            page = answer.get("installations", [])
            entries += page
            if len(page) < PAGE_SIZE:
                break
        return entries


def checks(settings: Settings, google: Google, github: GitHub) -> list[Check]:
    planner = settings.names.github_environment("planner")
    deployer = settings.names.github_environment("deployer")
    inputs: dict[str, object] = {"repository": settings.github.repository, "github": github}
    app_check = Check.of("GitHub app", app, settings=settings, google=google, github=github)
    checks = [
        unless_shipped(app_check, settings, "project_id"),
        Check.of("GitHub's branch", default_branch, branch=settings.github.branch, **inputs),
        Check.of(f"GitHub's {planner}", open_environment, name=planner, **inputs),
        Check.of(
            f"GitHub's {deployer}",
            kept_environment,
            name=deployer,
            reviewed=settings.approval_required,
            branch=settings.github.branch,
            **inputs,
        ),
    ]
    return [unless_shipped(check, settings, "github.repository") for check in checks]


def app(subject: str, *, settings: Settings, google: Google, github: GitHub) -> Finding:
    """Look for the app by Cloud Build's connection, or else on GitHub.

    GitHub tells an organization's owners alone which apps it has.
    """
    try:
        connection = google.ask("cloudbuildv2", _connection(settings))
    except NotAskedError:
        connection = None
    if connection:
        installation = connection.get("installationState", {})
        if installation.get("stage", "COMPLETE") != "COMPLETE":
            reason = installation.get("message", installation["stage"])
            detail = f"the connection {settings.names.connection} waits: {reason}"
            page = installation.get("actionUri", PAGE)
            return missing(subject, detail, f"open {page}")
        return ok(subject, f"connected as {settings.names.connection}")
    return _installed(subject, settings, github)


def _installed(subject: str, settings: Settings, github: GitHub) -> Finding:
    owner, _, _ = settings.github.repository.partition("/")
    installation_id = settings.github.app_installation_id
    page = f"{PAGE}/organizations/{owner}/settings/installations"
    installations = github.installations(owner)
    if installations is None:
        raise NotAskedError(
            "GitHub tells an organization's owners alone which apps it has",
            f"look for {installation_id} at {page}",
        )
    numbers = [
        installation["id"] for installation in installations if installation.get("app_slug") == APP
    ]
    if installation_id in numbers:
        return ok(subject, f"{installation_id}, not connected yet")
    if numbers:
        number = numbers[0]
        mismatch = f"is installed as {number}, environments.py says {installation_id}"
        command = f"sed -i.bak s/{installation_id}/{number}/ environments.py"
        return missing(subject, mismatch, command)
    return missing(
        subject, f"{owner} has not installed {APP}", f"open {PAGE}/apps/{APP}/installations/new"
    )


def default_branch(subject: str, *, branch: str, repository: str, github: GitHub) -> Finding:
    """Compare GitHub's default branch with the settings' branch, and see that it is protected.

    The workflows run on the default branch, what they push must be on the settings'. Its jobs may
    become the deployer and its recipes run as the builder, so that nobody may push to it alone.
    """
    answer = _need_repository(repository, github)
    default = answer.get("default_branch", branch)
    if default != branch:
        detail = f"{repository} has {default}, github.branch in environments.py is {branch!r}"
        return missing(subject, detail, "${EDITOR:-vi} environments.py")
    if not _is_protected(branch, repository, github):
        page = f"{PAGE}/{repository}/settings/rules"
        detail = f"anyone who may write can push to {branch} without a pull request"
        return missing(subject, detail, f"require a pull request for {branch}: {page}")
    return ok(subject, f"{branch} is the default one, and protected")


def _is_protected(branch: str, repository: str, github: GitHub) -> bool:
    """Whether a ruleset wants a pull request, or the branch has a protection of the older kind."""
    name = urllib.parse.quote(branch, safe="")
    answer = github.ask(f"repos/{repository}/rules/branches/{name}") or {}
    rules = [rule["type"] for rule in answer.get("items", [])]
    if "pull_request" in rules:
        return True
    older = github.ask(f"repos/{repository}/branches/{name}") or {}
    return bool(older.get("protected"))


def open_environment(subject: str, *, name: str, repository: str, github: GitHub) -> Finding:
    """Check that no protection rule makes plans wait: they run for any branch."""
    environment = _environment(name, repository, github)
    if environment is None:
        return missing(
            subject,
            "there is no such environment",
            f"gh api --method PUT repos/{repository}/environments/{name}",
        )
    rules = _protection(environment)
    if rules:
        names = ", ".join(rules)
        options = "-F wait_timer=0 -F reviewers=null -F deployment_branch_policy=null"
        command = f"gh api --method PUT repos/{repository}/environments/{name} {options}"
        return missing(subject, f"plans would wait for {names}", command)
    return ok(subject, "unprotected, as it must be")


def kept_environment(
    subject: str, *, name: str, repository: str, reviewed: bool, branch: str, github: GitHub
) -> Finding:
    """Check that only the branch's jobs apply, after a reviewer if settings require an approval.

    GitHub makes a missing environment without any rule.
    """
    path = f"repos/{repository}/environments/{name}"
    environment = _environment(name, repository, github)
    if environment is None:
        reviewers = [REVIEWER_OPTIONS] if reviewed else []
        command = deployment_branches.creation(path, branch, *reviewers)
        return missing(subject, "there is no such environment", command)
    has_reviewers = "required_reviewers" in _protection(environment)
    page = f"{PAGE}/{repository}/settings/environments"
    if reviewed and not has_reviewers:
        # By hand: a PUT would also drop the rules that it has.
        return missing(subject, "nobody reviews what is applied", f"add required reviewers: {page}")
    answer = github.ask(f"{path}/{deployment_branches.POLICIES}?per_page={PAGE_SIZE}") or {}
    finding = deployment_branches.only_branch(
        subject,
        path=path,
        branch=branch,
        environment=environment,
        policies=answer.get("branch_policies", []),
        page=page,
    )
    if finding.state != "ok":
        return finding
    return ok(subject, f"{'with' if has_reviewers else 'without'} reviewers, {finding.detail}")


def _protection(environment: Body) -> list[str]:
    """Return the kinds of rules with a wait."""
    rules = environment.get("protection_rules", [])
    return [rule["type"] for rule in rules]


def _environment(name: str, repository: str, github: GitHub) -> Body | None:
    environment = github.ask(f"repos/{repository}/environments/{name}")
    if environment is None:
        _need_repository(repository, github)
    return environment


def _need_repository(repository: str, github: GitHub) -> Body:
    answer = github.ask(f"repos/{repository}")
    if answer is None:
        raise NotAskedError(f"there is no {repository}, or the token may not see it")
    return answer


def _connection(settings: Settings) -> str:
    location = f"projects/{settings.project_id}/locations/{settings.region}"
    return f"{location}/connections/{settings.names.connection}"
