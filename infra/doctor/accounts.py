"""A stage's account and its calls: the permissions that it lacks, asked as itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from infra.doctor import calls, permissions
from infra.doctor.finding import Check, Finding, NotAskedError, missing, ok
from infra.doctor.google import Google
from infra.doctor.grants import held
from settings import Settings

Calls = Sequence[tuple[str, str]]  # permission, what it is for
PERSONS = ("planner", "deployer")  # whose roles are bootstrap's


@dataclass(frozen=True)
class Question:
    """The calls on one resource; `path` is where their permissions are asked for."""

    subject: str
    product: str
    path: str
    calls: Calls
    granter: str = ""  # the stage whose stacks grant this; empty for the account's own


def checks(
    settings: Settings, environments: Mapping[str, Settings], account: str, google: Google
) -> list[Check]:
    email = settings.names.service_account_email(account)
    checks = [Check.of("credentials", identity, email=email, google=google)]
    granter = "bootstrap" if account in PERSONS else "deploy"
    mend = f"make {granter} env={settings.stage}"
    for question in questions(settings, environments, account):
        command = mend
        if question.subject.startswith("acting as"):
            command = f"make bootstrap env={settings.stage}"
        if question.granter:
            command = f"make deploy env={question.granter}"
        checks.append(
            Check.of(question.subject, allowed, question=question, mend=command, google=google)
        )
    object_calls = _calls_in_bucket(account, on_objects=True)
    if object_calls:
        bucket = settings.names.bucket("artifacts")
        checks.append(
            Check.of("objects", objects, bucket=bucket, calls=object_calls, google=google)
        )
    return checks


def identity(subject: str, *, email: str, google: Google) -> Finding:
    try:
        google.token()
    except NotAskedError as error:
        if error.mend:
            return missing(subject, str(error), error.mend)
        raise
    return ok(subject, email)


def questions(
    settings: Settings, environments: Mapping[str, Settings], account: str
) -> Iterator[Question]:
    project = f"projects/{settings.project_id}:testIamPermissions"
    yield Question("project", "resource_manager", project, _project_calls(settings, account))
    for name in calls.ACTORS.get(account, ()):
        resource = settings.names.service_account_resource(name)
        act_as = [("iam.serviceAccounts.actAs", f"what runs as {name}")]
        yield Question(f"acting as {name}", "iam", f"{resource}:testIamPermissions", act_as)
    if bucket_calls := _calls_in_bucket(account, on_objects=False):
        bucket = settings.names.bucket("artifacts")
        yield Question("artifacts bucket", "storage", _bucket_path(bucket), bucket_calls)
    if account in PERSONS:
        bucket = settings.names.bucket("state")
        yield Question("state bucket", "storage", _bucket_path(bucket), _state_calls(account))
    if image_calls := calls.ON_IMAGES.get(account):
        location = f"projects/{settings.project_id}/locations/{settings.region}"
        repository = f"{location}/repositories/{settings.names.repository}:testIamPermissions"
        yield Question("images", "artifact_registry", repository, image_calls)
    if verdict_calls := calls.ON_VERDICTS.get(account):
        dataset = f"projects/{settings.project_id}/datasets/{settings.names.dataset('verdicts')}"
        path = f"{dataset}/tables/verdicts:testIamPermissions"
        yield Question("verdicts", "big_query", path, verdict_calls)
    if (version := settings.signing_key) and account in calls.ON_KEY:
        key, _, _ = version.partition("/cryptoKeyVersions/")
        yield Question("signing key", "kms", f"{key}:testIamPermissions", calls.ON_KEY[account])
    if account == "builder":
        yield from _neighbours(settings, environments)


def _neighbours(settings: Settings, environments: Mapping[str, Settings]) -> Iterator[Question]:
    """The builder lists the bucket of the stage before, and asks the next one to promote."""
    for other in environments.values():
        if other.stage == settings.promotes_from:
            path = _bucket_path(other.names.bucket("artifacts"))
            listing = [(calls.LIST, "the record of the stage before")]
            yield Question(f"artifacts of {other.stage}", "storage", path, listing, other.stage)
        if other.promotes_from == settings.stage:
            topic = f"projects/{other.project_id}/topics/{other.names.topic('promote')}"
            publish = [("pubsub.topics.publish", "asking the next stage to promote")]
            path = f"{topic}:testIamPermissions"
            yield Question(f"promotion to {other.stage}", "pubsub", path, publish, other.stage)


def _project_calls(settings: Settings, account: str) -> Calls:
    if account in PERSONS:
        role_permissions = permissions.of_planner(settings)
        if account == "deployer":
            role_permissions = permissions.of_deployer(settings)
        return [(permission, role) for role, permission in role_permissions.items()]
    entries = [(take, call) for name, call, take in calls.IN_THE_PROJECT if name == account]
    if account == "pipeline" and settings.beam_engine == "dataflow":
        entries += [(permission, "Dataflow") for permission in calls.ON_DATAFLOW]
    return entries


def _calls_in_bucket(account: str, *, on_objects: bool) -> Calls:
    return [
        (permission, call)
        for name, call, permission, place in calls.IN_THE_BUCKET
        if name == account and (place != calls.BUCKET) is on_objects
    ]


def _state_calls(account: str) -> Calls:
    entries = [(calls.LIST, "terraform init"), (calls.GET, "reading the state")]
    if account == "deployer":
        entries.append((calls.CREATE, "the lock and the new state"))
        entries.append((calls.DELETE, "the lock and the new state"))
    return entries


def allowed(subject: str, *, question: Question, mend: str, google: Google) -> Finding:
    """Compare the account's permissions with those of its calls."""
    held_permissions = _held(google, question)
    lacking = [
        f"{permission} ({call})"
        for permission, call in question.calls
        if permission not in held_permissions
    ]
    if lacking:
        summary = ", ".join(lacking)
        return missing(subject, f"the account lacks {summary}", mend)
    return ok(subject, f"{len(question.calls)} calls are allowed")


def objects(subject: str, *, bucket: str, calls: Calls, google: Google) -> Finding:
    """Ask the bucket about its objects.

    A grant with a condition on their names allows nothing of the bucket itself, so that a
    permission that is not answered may be there: cloud.google.com/iam/docs/conditions-overview
    """
    question = Question(subject, "storage", _bucket_path(bucket), calls)
    held_permissions = _held(google, question)
    open_calls = [call for permission, call in calls if permission not in held_permissions]
    if open_calls:
        summary = ", ".join(open_calls)
        raise NotAskedError(f"only a call tells what is granted folder by folder: {summary}")
    return ok(subject, f"{len(calls)} calls are allowed")


def _held(google: Google, question: Question) -> list[str]:
    names = [permission for permission, _ in question.calls]
    if question.product != "storage":
        return held(google, question.product, question.path, names)
    query = urlencode({"permissions": sorted(set(names))}, doseq=True)
    answer = google.ask("storage", f"{question.path}?{query}") or {}
    held_permissions: list[str] = answer.get("permissions", [])
    return held_permissions


def _bucket_path(bucket: str) -> str:
    """https://cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions"""
    return f"b/{bucket}/iam/testPermissions"
