"""What must be there on GitHub: the app that Cloud Build reads the repository by, and the environments whose jobs may plan and apply."""

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
        """What is at `path`, None where nothing is, or nothing that the token may see."""
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
    asked: dict[str, object] = {"repository": settings.github.repository, "github": github}
    environments = [
        Check.of(f"GitHub's {planner}", open_environment, name=planner, **asked),
        Check.of(
            f"GitHub's {deployer}",
            kept_environment,
            name=deployer,
            reviewed=settings.approval_required,
            **asked,
        ),
    ]
    installed = unless_shipped(
        Check.of("GitHub app", app, settings=settings, google=google, github=github),
        settings,
        "project_id",
    )
    branch = Check.of("GitHub's branch", default_branch, branch=settings.github.branch, **asked)
    return [
        unless_shipped(check, settings, "github.repository")
        for check in [installed, branch, *environments]
    ]


def app(subject: str, *, settings: Settings, google: Google, github: GitHub) -> Finding:
    """By Cloud Build's connection where there is one, else by what GitHub tells an organization's owners."""
    try:
        connection = google.ask("cloudbuildv2", _connection(settings))
    except NotAskedError:
        connection = None
    if connection:
        installation = connection.get("installationState", {})
        if installation.get("stage", "COMPLETE") != "COMPLETE":
            waits = f"the connection {settings.names.connection} waits: {installation.get('message', installation['stage'])}"
            return missing(subject, waits, f"open {installation.get('actionUri', PAGE)}")
        return ok(subject, f"connected as {settings.names.connection}")
    return _installed(subject, settings, github)


def _installed(subject: str, settings: Settings, github: GitHub) -> Finding:
    owner, wanted = settings.github.repository.split("/")[0], settings.github.app_installation_id
    page = f"{PAGE}/organizations/{owner}/settings/installations"
    answer = github.ask(f"orgs/{owner}/installations?per_page=100")
    if answer is None:
        raise NotAskedError(
            "GitHub tells an organization's owners alone which apps it has",
            f"look for {wanted} at {page}",
        )
    numbers = [one["id"] for one in answer.get("installations", []) if one.get("app_slug") == APP]
    if wanted in numbers:
        return ok(subject, f"{wanted}, not connected yet")
    if numbers:
        return missing(subject, f"is installed as {numbers[0]}, environments.py says {wanted}",
                       f"sed -i.bak s/{wanted}/{numbers[0]}/ environments.py")  # fmt: skip
    return missing(
        subject, f"{owner} has not installed {APP}", f"open {PAGE}/apps/{APP}/installations/new"
    )


def default_branch(subject: str, *, branch: str, repository: str, github: GitHub) -> Finding:
    """The workflows run on GitHub's default branch, what they push must be on the settings'."""
    found = github.ask(f"repos/{repository}")
    if found is None:
        raise NotAskedError(f"there is no {repository}, or the token may not see it")
    default = found.get("default_branch", branch)
    if default != branch:
        detail = f"{repository} has {default}, github.branch in environments.py is {branch!r}"
        return missing(subject, detail, "${EDITOR:-vi} environments.py")
    return ok(subject, f"{branch} is the default one")


def open_environment(subject: str, *, name: str, repository: str, github: GitHub) -> Finding:
    """Plans act in it for any branch: a rule would let each one wait."""
    found = _environment(name, repository, github)
    if found is None:
        return missing(
            subject,
            "there is no such environment",
            f"gh api --method PUT repos/{repository}/environments/{name}",
        )
    if rules := [rule["type"] for rule in found.get("protection_rules", [])]:
        clear = "-F wait_timer=0 -F reviewers=null -F deployment_branch_policy=null"
        return missing(
            subject,
            f"plans would wait for {', '.join(rules)}",
            f"gh api --method PUT repos/{repository}/environments/{name} {clear}",
        )
    return ok(subject, "unprotected, as it must be")


def kept_environment(
    subject: str, *, name: str, repository: str, reviewed: bool, github: GitHub
) -> Finding:
    """What is applied in it waits for a reviewer where settings require an approval. GitHub makes a missing one without any."""
    found = _environment(name, repository, github)
    you = """-f 'reviewers[][type]=User' -F "reviewers[][id]=$(gh api user --jq .id)\""""
    if found is None:
        create = f"gh api --method PUT repos/{repository}/environments/{name}"
        return missing(
            subject, "there is no such environment", f"{create} {you}" if reviewed else create
        )
    reviewers = [
        rule for rule in found.get("protection_rules", []) if rule["type"] == "required_reviewers"
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
    found = github.ask(f"repos/{repository}/environments/{name}")
    if found is None and github.ask(f"repos/{repository}") is None:
        raise NotAskedError(f"there is no {repository}, or the token may not see it")
    return found


def _connection(settings: Settings) -> str:
    return f"projects/{settings.project_id}/locations/{settings.region}/connections/{settings.names.connection}"
