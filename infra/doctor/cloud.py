"""What must be there in Google Cloud before an environment can be deployed."""

from collections.abc import Mapping

from infra import apis
from infra.doctor.finding import Check, Finding, NotAskedError, missing, ok
from infra.doctor.google import Google, credentials
from infra.doctor.permissions import of_person
from infra.doctor.placeholders import shipped
from settings import Settings

AGENTS = {"aiplatform": "Vertex", "cloudbuild": "Cloud Build"}
SET_BILLING = "billing.accounts.setIamPolicy"


def checks(settings: Settings, environments: Mapping[str, Settings], google: Google) -> list[Check]:
    asked: dict[str, object] = {"settings": settings, "google": google}
    neighbours = [
        one
        for one in environments.values()
        if one.promotes_from == settings.stage or one.stage == settings.promotes_from
    ]
    own = [
        Check.of("project", project, **asked),
        Check.of("APIs", enabled_apis, **asked),
        *(
            Check.of(f"{whose} agent", service_agent, product=product, **asked)
            for product, whose in AGENTS.items()
        ),
        Check.of("roles", person, **asked),
        Check.of("state bucket", state_bucket, **asked),
        Check.of("GitHub token", github_secret, **asked),
    ]
    if settings.billing_account:
        own.append(Check.of("billing account", billing, **asked))
    others = [
        (one, Check.of(f"builder of {one.stage}", builder, settings=one, google=google))
        for one in neighbours
    ]
    return [
        Check.of("credentials", credentials, google=google),
        *(
            unless_shipped(check, one, "project_id")
            for one, check in [*((settings, check) for check in own), *others]
        ),
    ]


def unless_shipped(check: Check, settings: Settings, key: str) -> Check:
    """A placeholder may be somebody's: nobody is asked about it."""
    return (
        check.instead(f"{settings.stage}'s {key} is still a placeholder")
        if shipped(settings, key)
        else check
    )


def project(subject: str, *, settings: Settings, google: Google) -> Finding:
    found = google.ask("resource_manager", f"projects/{settings.project_id}")
    if found is None:
        return missing(
            subject,
            f"there is no {settings.project_id}",
            f"gcloud projects create {settings.project_id}",
        )
    if found["projectNumber"] != str(settings.project_number):
        wrong = f"{settings.project_id} has the number {found['projectNumber']}, environments.py says {settings.project_number}"
        return missing(
            subject,
            wrong,
            f"sed -i.bak s/{settings.project_number}/{found['projectNumber']}/ environments.py",
        )
    return ok(subject, f"{settings.project_id}, {settings.project_number}")


def enabled_apis(subject: str, *, settings: Settings, google: Google) -> Finding:
    found = (
        google.ask(
            "service_usage",
            f"projects/{settings.project_id}/services?filter=state:ENABLED&pageSize=200",
        )
        or {}
    )
    enabled = {
        service["config"]["name"].removesuffix(".googleapis.com")
        for service in found.get("services", [])
    }
    wanted = {*apis.BOOTSTRAP, *apis.of_foundation(settings)}
    if off := sorted(wanted - enabled):
        services = " ".join(f"{api}.googleapis.com" for api in off)
        few = ", ".join(off) if len(off) < 5 else f"{len(off)} of {len(wanted)}"
        return missing(
            subject,
            f"{few} off",
            f"gcloud services enable {services} --project={settings.project_id}",
        )
    return ok(subject, f"all {len(wanted)} on")


def service_agent(subject: str, *, product: str, settings: Settings, google: Google) -> Finding:
    """An agent can't be asked for, but the product gives it a role when it makes it."""
    policy = (
        google.ask("resource_manager", f"projects/{settings.project_id}:getIamPolicy", {}) or {}
    )
    agent, project = settings.names.service_agent(product), settings.project_id
    if not any(agent in binding["members"] for binding in policy.get("bindings", [])):
        create = f"gcloud beta services identity create --service={product}.googleapis.com --project={project}"
        return missing(
            subject,
            "holds no role in the project",
            f"{create} && {_grant(project, agent, f'{product}.serviceAgent')}",
        )
    return ok(subject, agent.removeprefix("serviceAccount:"))


def person(subject: str, *, settings: Settings, google: Google) -> Finding:
    wanted = of_person(settings)
    asked = {"permissions": sorted(set(wanted.values()))}
    held = (
        google.ask("resource_manager", f"projects/{settings.project_id}:testIamPermissions", asked)
        or {}
    ).get("permissions", [])
    lacking = [
        role.removeprefix("roles/") for role, permission in wanted.items() if permission not in held
    ]
    if not lacking:
        return ok(subject, f"what {len(wanted)} roles allow is allowed")
    which = ", ".join(lacking) if len(lacking) < 3 else f"{len(lacking)} of {len(wanted)} roles"
    grant = _grant(
        settings.project_id, _member(google), lacking[0] if len(lacking) == 1 else "$role"
    )
    return missing(
        subject,
        f"whoever asks may not do what {which} allow",
        grant if len(lacking) == 1 else f"for role in {' '.join(lacking)}; do {grant}; done",
    )


def billing(subject: str, *, settings: Settings, google: Google) -> Finding:
    account = settings.billing_account
    held = (
        google.ask(
            "cloud_billing",
            f"billingAccounts/{account}:testIamPermissions",
            {"permissions": [SET_BILLING]},
        )
        or {}
    )
    if SET_BILLING not in held.get("permissions", []):
        grant = f"gcloud billing accounts add-iam-policy-binding {account} --member={_member(google)} --role=roles/billing.admin"
        return missing(subject, f"the grants on {account} can't be changed", grant)
    return ok(subject, str(account))


def state_bucket(subject: str, *, settings: Settings, google: Google) -> Finding:
    bucket = settings.names.bucket("state")
    if google.ask("storage", f"b/{bucket}") is None:
        return missing(subject, f"there is no gs://{bucket}", _bootstrap(settings))
    return ok(subject, f"gs://{bucket}")


def builder(subject: str, *, settings: Settings, google: Google) -> Finding:
    """The environments before and after are granted to each other's builders, which their bootstraps make."""
    email = settings.names.service_account_email("builder")
    if google.ask("iam", f"projects/{settings.project_id}/serviceAccounts/{email}") is None:
        return missing(
            subject,
            f"stacks of a neighbour grant to {email}, which is not there",
            _bootstrap(settings),
        )
    return ok(subject, email)


def github_secret(subject: str, *, settings: Settings, google: Google) -> Finding:
    secret = f"projects/{settings.project_id}/secrets/{settings.names.github_secret}"
    if google.ask("secret_manager", secret) is None:
        return missing(subject, f"there is no {settings.names.github_secret}", _bootstrap(settings))
    versions = (google.ask("secret_manager", f"{secret}/versions") or {}).get("versions", [])
    if not any(version["state"] == "ENABLED" for version in versions):
        add = f"gcloud secrets versions add {settings.names.github_secret} --data-file=- --project={settings.project_id}"
        return missing(
            subject,
            f"{settings.names.github_secret} holds no token: the command reads it until Ctrl-D",
            add,
        )
    return ok(subject, settings.names.github_secret)


def _bootstrap(settings: Settings) -> str:
    return f"make bootstrap env={settings.stage}"


def _grant(project: str, member: str, role: str) -> str:
    return f"gcloud projects add-iam-policy-binding {project} --member={member} --role=roles/{role} --condition=None"


def _member(google: Google) -> str:
    try:
        account = google.account()
    except (NotAskedError, ValueError):
        account = ""
    if not account:
        return '"user:$(gcloud config get account)"'
    return f"{'serviceAccount' if account.endswith('.gserviceaccount.com') else 'user'}:{account}"
