"""What must be there on GitHub: Cloud Build's app, and the environments of the jobs.

Cloud Build reads the repository by the app. The environments' jobs may plan and apply.
"""

import os

from infra.doctor.cloud import unless_shipped
from infra.doctor.finding import Check, Finding, NotAskedError, missing, ok
from infra.doctor.google import Google
from infra.doctor.rest import Body, Rest, accepted
from settings import Settings

APP = "google-cloud-build"
PAGE = "https://github.com"


class GitHub:
    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._address = (os.environ.get("GITHUB_API_URL") or "https://api.github.com").rstrip("/")
        self._token = os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN")

    def ask(self, path: str) -> Body | None:
        """Return the document at `path`, or None.

        None stands for nothing there, and for nothing that the token may see.
        """
        if not self._token:
            raise NotAskedError(
                "without GH_TOKEN or GITHUB_TOKEN GitHub can't be asked",
                "export GH_TOKEN=$(gh auth token)",
            )
        url = f"{self._address}/{path}"
        return accepted(url, *self._rest.ask(url, token=self._token))


def checks(settings: Settings, google: Google, github: GitHub) -> list[Check]:
    planner, deployer = (
        settings.names.github_environment(role) for role in ("planner", "deployer")
    )
    inputs: dict[str, object] = {"repository": settings.github.repository, "github": github}
    environments = [
        Check.of(f"GitHub's {planner}", open_environment, name=planner, **inputs),
        Check.of(
            f"GitHub's {deployer}",
            kept_environment,
            name=deployer,
            reviewed=settings.approval_required,
            **inputs,
        ),
    ]
    app_check = unless_shipped(
        Check.of("GitHub app", app, settings=settings, google=google, github=github),
        settings,
        "project_id",
    )
    branch = Check.of("GitHub's branch", default_branch, branch=settings.github.branch, **inputs)
    return [
        unless_shipped(check, settings, "github.repository")
        for check in [app_check, branch, *environments]
    ]


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
            return missing(subject, detail, f"open {installation.get('actionUri', PAGE)}")
        return ok(subject, f"connected as {settings.names.connection}")
    return _installed(subject, settings, github)


def _installed(subject: str, settings: Settings, github: GitHub) -> Finding:
    owner, installation_id = (
        settings.github.repository.split("/")[0],
        settings.github.app_installation_id,
    )
    page = f"{PAGE}/organizations/{owner}/settings/installations"
    answer = github.ask(f"orgs/{owner}/installations?per_page=100")
    if answer is None:
        raise NotAskedError(
            "GitHub tells an organization's owners alone which apps it has",
            f"look for {installation_id} at {page}",
        )
    numbers = [
        installation["id"]
        for installation in answer.get("installations", [])
        if installation.get("app_slug") == APP
    ]
    if installation_id in numbers:
        return ok(subject, f"{installation_id}, not connected yet")
    if numbers:
        return missing(
            subject,
            f"is installed as {numbers[0]}, environments.py says {installation_id}",
            f"sed -i.bak s/{installation_id}/{numbers[0]}/ environments.py",
        )
    return missing(
        subject, f"{owner} has not installed {APP}", f"open {PAGE}/apps/{APP}/installations/new"
    )


def default_branch(subject: str, *, branch: str, repository: str, github: GitHub) -> Finding:
    """Compare GitHub's default branch with the settings' branch.

    The workflows run on the default branch, what they push must be on the settings'.
    """
    answer = github.ask(f"repos/{repository}")
    if answer is None:
        raise NotAskedError(f"there is no {repository}, or the token may not see it")
    default = answer.get("default_branch", branch)
    if default != branch:
        detail = f"{repository} has {default}, github.branch in environments.py is {branch!r}"
        return missing(subject, detail, "${EDITOR:-vi} environments.py")
    return ok(subject, f"{branch} is the default one")


def open_environment(subject: str, *, name: str, repository: str, github: GitHub) -> Finding:
    """Plans act in it for any branch: a rule would let each one wait."""
    environment = _environment(name, repository, github)
    if environment is None:
        return missing(
            subject,
            "there is no such environment",
            f"gh api --method PUT repos/{repository}/environments/{name}",
        )
    if rules := [rule["type"] for rule in environment.get("protection_rules", [])]:
        options = "-F wait_timer=0 -F reviewers=null -F deployment_branch_policy=null"
        return missing(
            subject,
            f"plans would wait for {', '.join(rules)}",
            f"gh api --method PUT repos/{repository}/environments/{name} {options}",
        )
    return ok(subject, "unprotected, as it must be")


def kept_environment(
    subject: str, *, name: str, repository: str, reviewed: bool, github: GitHub
) -> Finding:
    """Let applies wait for a reviewer if settings require an approval.

    GitHub makes a missing environment without any reviewer.
    """
    environment = _environment(name, repository, github)
    reviewer_options = (
        """-f 'reviewers[][type]=User' -F "reviewers[][id]=$(gh api user --jq .id)\""""
    )
    if environment is None:
        command = f"gh api --method PUT repos/{repository}/environments/{name}"
        return missing(
            subject,
            "there is no such environment",
            f"{command} {reviewer_options}" if reviewed else command,
        )
    reviewers = [
        rule
        for rule in environment.get("protection_rules", [])
        if rule["type"] == "required_reviewers"
    ]
    if reviewed and not reviewers:
        # By hand: a PUT would also drop the rules that it has.
        return missing(
            subject,
            "nobody reviews what is applied",
            f"add required reviewers: {PAGE}/{repository}/settings/environments",
        )
    return ok(subject, "with reviewers" if reviewers else "without reviewers")


def _environment(name: str, repository: str, github: GitHub) -> Body | None:
    environment = github.ask(f"repos/{repository}/environments/{name}")
    if environment is None and github.ask(f"repos/{repository}") is None:
        raise NotAskedError(f"there is no {repository}, or the token may not see it")
    return environment


def _connection(settings: Settings) -> str:
    location = f"projects/{settings.project_id}/locations/{settings.region}"
    return f"{location}/connections/{settings.names.connection}"
