"""What must be there in Google Cloud before a stage can be deployed."""

from collections.abc import Iterator, Mapping

from infra import apis
from infra.addressees import gap
from infra.doctor import billing, buckets
from infra.doctor.finding import Check, Finding, missing, ok
from infra.doctor.google import Google, credentials
from infra.doctor.grants import command_of_grant, commands_of_grants, held, member_of
from infra.doctor.network import subnetwork
from infra.doctor.permissions import of_person
from infra.doctor.placeholders import shipped
from infra.doctor.subscriptions import subscriptions
from settings import Settings

AGENTS = {"aiplatform": "Vertex", "cloudbuild": "Cloud Build"}
ACT_AS = "iam.serviceAccounts.actAs"


def checks(settings: Settings, environments: Mapping[str, Settings], google: Google) -> list[Check]:
    checks = [Check.of("credentials", credentials, google=google)]
    for check in _own_checks(settings, google):
        checks.append(unless_shipped(check, settings, "project_id"))
    stages = Check.of(
        "other stages",
        buckets.forgotten_stages,
        settings=settings,
        stages=list(environments),
        google=google,
    )
    checks.append(unless_shipped(stages, settings, "project_id"))
    checks.append(Check.of("alerts", addressees, settings=settings))
    for neighbour in _neighbours(settings, environments):
        subject = f"builder of {neighbour.stage}"
        check = Check.of(subject, builder, settings=neighbour, google=google)
        checks.append(unless_shipped(check, neighbour, "project_id"))
    return checks


def _own_checks(settings: Settings, google: Google) -> Iterator[Check]:
    inputs: dict[str, object] = {"settings": settings, "google": google}
    yield Check.of("project", project, **inputs)
    yield Check.of("billing", billing.link, **inputs)
    yield Check.of("APIs", enabled_apis, **inputs)
    for product, product_name in AGENTS.items():
        yield Check.of(f"{product_name} agent", service_agent, product=product, **inputs)
    yield Check.of("roles", person, **inputs)
    yield Check.of("state bucket", buckets.state_bucket, **inputs)
    for account in ("builder", "monitor"):
        yield Check.of(f"acting as {account}", act_as, account=account, **inputs)
    yield Check.of("GitHub token", github_secret, **inputs)
    yield Check.of("subscriptions", subscriptions, **inputs)
    if settings.network:
        yield Check.of("subnetwork", subnetwork, **inputs)
    if settings.billing_account:
        yield Check.of("billing account", billing.account, **inputs)


def _neighbours(settings: Settings, environments: Mapping[str, Settings]) -> list[Settings]:
    """Return the stages before and after this one."""
    return [
        candidate
        for candidate in environments.values()
        if settings.stage == candidate.promotes_from or candidate.stage == settings.promotes_from
    ]


def unless_shipped(check: Check, settings: Settings, key: str) -> Check:
    """Leave a placeholder unasked: it may be somebody's value."""
    if shipped(settings, key):
        return check.instead(f"{settings.stage}'s {key} is still a placeholder")
    return check


def project(subject: str, *, settings: Settings, google: Google) -> Finding:
    id_, number = settings.project_id, settings.project_number
    answer = google.ask("resource_manager", f"projects/{id_}")
    if answer is None:
        return missing(subject, f"there is no {id_}", f"gcloud projects create {id_}")
    real_number = answer["projectNumber"]
    if real_number != str(number):
        mismatch = f"{id_} has the number {real_number}, environments.py says {number}"
        return missing(subject, mismatch, f"sed -i.bak s/{number}/{real_number}/ environments.py")
    return ok(subject, f"{id_}, {number}")


def enabled_apis(subject: str, *, settings: Settings, google: Google) -> Finding:
    path = f"projects/{settings.project_id}/services?filter=state:ENABLED&pageSize=200"
    services = google.listing("service_usage", path, "services")
    enabled_names = [service["config"]["name"] for service in services]
    enabled = {name.removesuffix(".googleapis.com") for name in enabled_names}
    needed_apis = {*apis.of_bootstrap(settings), *apis.of_foundation(settings)}
    count = len(needed_apis)
    disabled_apis = sorted(needed_apis - enabled)
    if not disabled_apis:
        return ok(subject, f"all {count} on")
    summary = ", ".join(disabled_apis)
    if len(disabled_apis) >= 5:
        summary = f"{len(disabled_apis)} of {count}"
    names = " ".join(f"{api}.googleapis.com" for api in disabled_apis)
    command = f"gcloud services enable {names} --project={settings.project_id}"
    return missing(subject, f"{summary} off", command)


def service_agent(subject: str, *, product: str, settings: Settings, google: Google) -> Finding:
    """Look for the agent among the project's grants.

    An agent can't be asked for, but the product gives it a role when it makes it.
    """
    agent, project = settings.names.service_agent(product), settings.project_id
    policy = google.ask("resource_manager", f"projects/{project}:getIamPolicy", {}) or {}
    bindings = policy.get("bindings", [])
    has_role = any(agent in binding["members"] for binding in bindings)
    if has_role:
        return ok(subject, agent.removeprefix("serviceAccount:"))
    create = (
        f"gcloud beta services identity create --service={product}.googleapis.com "
        f"--project={project}"
    )
    grant = command_of_grant(project, agent, f"{product}.serviceAgent")
    return missing(subject, "holds no role in the project", f"{create} && {grant}")


def person(subject: str, *, settings: Settings, google: Google) -> Finding:
    permissions = of_person(settings)
    path = f"projects/{settings.project_id}:testIamPermissions"
    held_permissions = held(google, "resource_manager", path, permissions.values())
    lacking_roles = [
        role.removeprefix("roles/")
        for role, permission in permissions.items()
        if permission not in held_permissions
    ]
    if not lacking_roles:
        return ok(subject, f"what {len(permissions)} roles allow is allowed")
    summary = ", ".join(lacking_roles)
    if len(lacking_roles) >= 3:
        summary = f"{len(lacking_roles)} of {len(permissions)} roles"
    command = commands_of_grants(settings.project_id, member_of(google), lacking_roles)
    return missing(subject, f"the current account lacks permissions of {summary}", command)


def act_as(subject: str, *, account: str, settings: Settings, google: Google) -> Finding:
    """Check that triggers may run as the account.

    Who makes one must be allowed to act as it, by a role on the account or on its project:
    https://cloud.google.com/build/docs/securing-builds/configure-user-specified-service-accounts
    """
    project, email = settings.project_id, settings.names.service_account_email(account)
    resource = settings.names.service_account_resource(account)
    on_account = held(google, "iam", f"{resource}:testIamPermissions", [ACT_AS])
    if ACT_AS in on_account:
        return ok(subject, email)
    path = f"projects/{project}:testIamPermissions"
    if ACT_AS in held(google, "resource_manager", path, [ACT_AS]):
        return ok(subject, f"{email}, as every account of {project}")
    command = command_of_grant(project, member_of(google), "iam.serviceAccountUser")
    return missing(subject, f"the current account may not act as {email}", command)


def addressees(subject: str, *, settings: Settings) -> Finding:
    """Check that alerts have an address."""
    if settings.alert_emails:
        return ok(subject, ", ".join(settings.alert_emails))
    return missing(subject, gap(settings), buckets.EDIT)


def builder(subject: str, *, settings: Settings, google: Google) -> Finding:
    """Look for a neighbouring stage's builder.

    Its bootstrap makes it. The stages before and after are granted to each other's builders.
    """
    email = settings.names.service_account_email("builder")
    path = f"projects/{settings.project_id}/serviceAccounts/{email}"
    account = google.ask("iam", path)
    if account is None:
        gap = f"stacks of a neighbour grant to {email}, which is not there"
        return missing(subject, gap, _bootstrap(settings))
    return ok(subject, email)


def github_secret(subject: str, *, settings: Settings, google: Google) -> Finding:
    name, project = settings.names.github_secret, settings.project_id
    path = f"projects/{project}/secrets/{name}"
    secret = google.ask("secret_manager", path)
    if secret is None:
        return missing(subject, f"there is no {name}", _bootstrap(settings))
    versions = google.listing("secret_manager", f"{path}/versions", "versions")
    states = [version["state"] for version in versions]
    if "ENABLED" in states:
        return ok(subject, name)
    gap = f"{name} holds no token: the command reads it until Ctrl-D"
    command = f"gcloud secrets versions add {name} --data-file=- --project={project}"
    return missing(subject, gap, command)


def _bootstrap(settings: Settings) -> str:
    return f"make bootstrap env={settings.stage}"
