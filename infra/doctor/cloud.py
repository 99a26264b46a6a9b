"""What must be there in Google Cloud before a stage can be deployed."""

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
    inputs: dict[str, object] = {"settings": settings, "google": google}
    neighbours = [
        candidate
        for candidate in environments.values()
        if settings.stage == candidate.promotes_from or candidate.stage == settings.promotes_from
    ]
    agents = [
        Check.of(f"{product_name} agent", service_agent, product=product, **inputs)
        for product, product_name in AGENTS.items()
    ]
    own = [
        Check.of("project", project, **inputs),
        Check.of("APIs", enabled_apis, **inputs),
        *agents,
        Check.of("roles", person, **inputs),
        Check.of("state bucket", state_bucket, **inputs),
        Check.of("GitHub token", github_secret, **inputs),
    ]
    if settings.billing_account:
        own.append(Check.of("billing account", billing, **inputs))
    own_checks = [(settings, check) for check in own]
    builder_checks = [
        (
            neighbour,
            Check.of(f"builder of {neighbour.stage}", builder, settings=neighbour, google=google),
        )
        for neighbour in neighbours
    ]
    return [
        Check.of("credentials", credentials, google=google),
        *(
            unless_shipped(check, subject_settings, "project_id")
            for subject_settings, check in [*own_checks, *builder_checks]
        ),
    ]


def unless_shipped(check: Check, settings: Settings, key: str) -> Check:
    """Leave a placeholder unasked: it may be somebody's value."""
    return (
        check.instead(f"{settings.stage}'s {key} is still a placeholder")
        if shipped(settings, key)
        else check
    )


def project(subject: str, *, settings: Settings, google: Google) -> Finding:
    answer = google.ask("resource_manager", f"projects/{settings.project_id}")
    if answer is None:
        return missing(
            subject,
            f"there is no {settings.project_id}",
            f"gcloud projects create {settings.project_id}",
        )
    if answer["projectNumber"] != str(settings.project_number):
        mismatch = (
            f"{settings.project_id} has the number {answer['projectNumber']}, "
            f"environments.py says {settings.project_number}"
        )
        return missing(
            subject,
            mismatch,
            f"sed -i.bak s/{settings.project_number}/{answer['projectNumber']}/ environments.py",
        )
    return ok(subject, f"{settings.project_id}, {settings.project_number}")


def enabled_apis(subject: str, *, settings: Settings, google: Google) -> Finding:
    path = f"projects/{settings.project_id}/services?filter=state:ENABLED&pageSize=200"
    answer = google.ask("service_usage", path) or {}
    services = answer.get("services", [])
    enabled_names = [service["config"]["name"] for service in services]
    enabled = {name.removesuffix(".googleapis.com") for name in enabled_names}
    needed_apis = {*apis.BOOTSTRAP, *apis.of_foundation(settings)}
    if disabled_apis := sorted(needed_apis - enabled):
        names = " ".join(f"{api}.googleapis.com" for api in disabled_apis)
        summary = (
            ", ".join(disabled_apis)
            if len(disabled_apis) < 5
            else f"{len(disabled_apis)} of {len(needed_apis)}"
        )
        return missing(
            subject,
            f"{summary} off",
            f"gcloud services enable {names} --project={settings.project_id}",
        )
    return ok(subject, f"all {len(needed_apis)} on")


def service_agent(subject: str, *, product: str, settings: Settings, google: Google) -> Finding:
    """Look for the agent among the project's grants.

    An agent can't be asked for, but the product gives it a role when it makes it.
    """
    agent, project = settings.names.service_agent(product), settings.project_id
    policy = google.ask("resource_manager", f"projects/{project}:getIamPolicy", {}) or {}
    bindings = policy.get("bindings", [])
    if not any(agent in binding["members"] for binding in bindings):
        command = (
            f"gcloud beta services identity create --service={product}.googleapis.com "
            f"--project={project}"
        )
        return missing(
            subject,
            "holds no role in the project",
            f"{command} && {_grant(project, agent, f'{product}.serviceAgent')}",
        )
    return ok(subject, agent.removeprefix("serviceAccount:"))


def person(subject: str, *, settings: Settings, google: Google) -> Finding:
    permissions = of_person(settings)
    question = {"permissions": sorted(set(permissions.values()))}
    path = f"projects/{settings.project_id}:testIamPermissions"
    answer = google.ask("resource_manager", path, question) or {}
    held_permissions = answer.get("permissions", [])
    lacking_roles = [
        role.removeprefix("roles/")
        for role, permission in permissions.items()
        if permission not in held_permissions
    ]
    if not lacking_roles:
        return ok(subject, f"what {len(permissions)} roles allow is allowed")
    summary = (
        ", ".join(lacking_roles)
        if len(lacking_roles) < 3
        else f"{len(lacking_roles)} of {len(permissions)} roles"
    )
    grant = _grant(
        settings.project_id,
        _member(google),
        lacking_roles[0] if len(lacking_roles) == 1 else "$role",
    )
    return missing(
        subject,
        f"whoever asks may not do what {summary} allow",
        grant
        if len(lacking_roles) == 1
        else f"for role in {' '.join(lacking_roles)}; do {grant}; done",
    )


def billing(subject: str, *, settings: Settings, google: Google) -> Finding:
    account = settings.billing_account
    path = f"billingAccounts/{account}:testIamPermissions"
    answer = google.ask("cloud_billing", path, {"permissions": [SET_BILLING]}) or {}
    if SET_BILLING not in answer.get("permissions", []):
        grant = (
            f"gcloud billing accounts add-iam-policy-binding {account} "
            f"--member={_member(google)} --role=roles/billing.admin"
        )
        return missing(subject, f"the grants on {account} can't be changed", grant)
    return ok(subject, str(account))


def state_bucket(subject: str, *, settings: Settings, google: Google) -> Finding:
    bucket = settings.names.bucket("state")
    if google.ask("storage", f"b/{bucket}") is None:
        return missing(subject, f"there is no gs://{bucket}", _bootstrap(settings))
    return ok(subject, f"gs://{bucket}")


def builder(subject: str, *, settings: Settings, google: Google) -> Finding:
    """Look for a neighbouring stage's builder.

    Its bootstrap makes it. The environments before and after are granted to each other's builders.
    """
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
    answer = google.ask("secret_manager", f"{secret}/versions") or {}
    versions = answer.get("versions", [])
    if not any(version["state"] == "ENABLED" for version in versions):
        command = (
            f"gcloud secrets versions add {settings.names.github_secret} "
            f"--data-file=- --project={settings.project_id}"
        )
        return missing(
            subject,
            f"{settings.names.github_secret} holds no token: the command reads it until Ctrl-D",
            command,
        )
    return ok(subject, settings.names.github_secret)


def _bootstrap(settings: Settings) -> str:
    return f"make bootstrap env={settings.stage}"


def _grant(project: str, member: str, role: str) -> str:
    return (
        f"gcloud projects add-iam-policy-binding {project} "
        f"--member={member} --role=roles/{role} --condition=None"
    )


def _member(google: Google) -> str:
    try:
        account = google.account()
    except (NotAskedError, ValueError):
        account = ""
    if not account:
        return '"user:$(gcloud config get account)"'
    kind = "serviceAccount" if account.endswith(".gserviceaccount.com") else "user"
    return f"{kind}:{account}"
