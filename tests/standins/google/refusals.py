"""The refusals of Google's APIs, as far as a wrong stack would meet them.

Each refusal is checked before the stand-in stores or drops anything.
"""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body, Key, Store, Subject

METRIC = re.compile(r'logging\.googleapis\.com/user/([^"\s]+)')
OWN_ACCOUNT = re.compile(
    r"serviceAccount:((?!service-\d+@)[a-z0-9-]+@"
    r"(?!gcp-sa-)([a-z0-9-]+)\.iam\.gserviceaccount\.com)"
)
C_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LABEL = re.compile(r"[a-z0-9_-]{0,64}")
JOB_ID = re.compile(r"[a-z0-9-]{1,127}")
UNREADY_SECONDS = 600  # seconds for which Google says that a log metric may be unknown to alerting


def members(store: Store, policy: Body) -> None:
    """A policy may name only existing service accounts; Google's own agents always exist."""
    for binding in policy.get("bindings", []):
        for member in binding["members"]:
            existing_account(store, member)


def existing_account(store: Store, member: str) -> None:
    match = OWN_ACCOUNT.fullmatch(member)
    if match is None:
        return
    email, project = match.groups()
    account = Key("iam", f"projects/{project}/serviceAccounts/{email}")
    if account not in store.objects:
        raise RefusedError(400, f"Service account {email} does not exist.")


def dataset(subject: Subject) -> None:
    for entry in subject.body.get("access", []):
        member = entry.get("iamMember") or f"serviceAccount:{entry.get('userByEmail')}"
        existing_account(subject.store, member)


def connection(subject: Subject) -> None:
    """A connection reads its token at once, so the secret needs a version before."""
    github = subject.body.get("githubConfig", {})
    credential = github.get("authorizerCredential", {})
    secret = credential.get("oauthTokenSecretVersion")
    if secret is None:
        return
    key = Key("secret_manager", secret.removesuffix("/latest"))
    versions = subject.store.below(key) if secret.endswith("/latest") else {}
    if key not in subject.store.objects and not versions:
        raise RefusedError(
            400,
            (
                f"Secret version {secret} was not found, or the Cloud Build service agent may not "
                "read it."
            ),
        )


def trigger(subject: Subject) -> None:
    """A name is free, and a recipe is read from a revision.

    Without gitFileSource.revision that is the one from which the invocation came, which a message
    has none of: https://cloud.google.com/build/docs/api/reference/rest/v1/projects.triggers. That
    such a trigger is refused is assumed.
    """
    name = subject.body.get("name")
    collection, _, _ = subject.key.name.rpartition("/")
    triggers = subject.store.below(Key(subject.key.product, collection))
    triggers.pop(subject.key, None)
    names = [body.get("name") for body in triggers.values()]
    if name in names:
        raise RefusedError(409, f"trigger {name} already exists.")
    recipe_source = subject.body.get("gitFileSource", {"revision": "none is needed"})
    refuses = subject.store.unknowns.refuses_missing_revision and "pubsubConfig" in subject.body
    if refuses and not recipe_source.get("revision"):
        raise RefusedError(
            400, "gitFileSource.revision is empty, and a message names no revision to read it from"
        )


def alert_policy(subject: Subject) -> None:
    """Alerting must know a log metric; it doesn't know a new one for a while (here: once)."""
    text = " ".join(strings(subject.body))
    for name in METRIC.findall(text):
        id_ = name.replace("/", "%2F")
        metric = Key("logging", f"projects/{subject.key.project}/metrics/{id_}")
        if not is_ready(subject.store, metric):
            raise RefusedError(
                404,
                (
                    f'Cannot find metric that matches type = "logging.googleapis.com/user/{name}". '
                    "If a metric was created recently, it could take up to 10 minutes to become "
                    "available."
                ),
            )


def is_ready(store: Store, metric: Key) -> bool:
    """Whether alerting knows a log metric; the first question about a new one ends its wait."""
    if metric not in store.objects:
        return False
    age = time.time() - store.unready.pop(metric, 0)
    return age >= UNREADY_SECONDS


def strings(value: Any) -> Iterator[str]:
    """Every text in a body, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def full_bucket(subject: Subject) -> None:
    if subject.store.below(subject.key):
        raise RefusedError(409, "The bucket you tried to delete is not empty.")


def full_dataset(subject: Subject) -> None:
    forced = subject.body.get("deleteContents") == "true"
    if subject.store.below(subject.key) and not forced:
        raise RefusedError(400, f"Dataset {subject.key.name} is still in use")


def serving_endpoint(subject: Subject) -> None:
    endpoint = subject.store.get(subject.key)
    ongoing = subject.store.ongoing(subject.key)
    if ongoing:
        raise RefusedError(400, f"Endpoint {subject.key.name} has ongoing operations: {ongoing}.")
    if endpoint.get("deployedModels"):
        raise RefusedError(
            400,
            (
                f"Endpoint {subject.key.name} has deployed models; "
                "undeploy them before deleting the Endpoint."
            ),
        )


def traffic(subject: Subject) -> None:
    """An endpoint may give traffic to deployed models alone, and all of it."""
    models = subject.body.get("deployedModels", [])
    split = subject.body.get("trafficSplit", {})
    ids = {model["id"] for model in models}
    unknown_ids = split.keys() - ids
    total = sum(split.values())
    if unknown_ids or (models and total != 100):
        raise RefusedError(400, f"trafficSplit must give 100% to deployed models, got {split}")


def model_mask(names: set[str]) -> None:
    """A model's fields are changed on the model; UpdateModelRequest's comment says which."""
    refuse_fields(names, {"displayName", "description", "labels"})


def version_mask(names: set[str]) -> None:
    """A version's are changed on models/ID@VERSION."""
    refuse_fields(names, {"versionDescription", "labels"})


def server_variables(container: Body) -> None:
    """A variable's name is a C identifier, and Vertex's own are set by nobody else.

    https://docs.cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements and the
    comment on EnvVar (google.cloud.aiplatform_v1.types.env_var).
    """
    for variable in container.get("env", []):
        name, value = variable.get("name", ""), variable.get("value", "")
        if not C_IDENTIFIER.fullmatch(name) or name.startswith("AIP_") or not value:
            raise RefusedError(400, f"Invalid environment variable: {name!r} is {value!r}.")


def pipeline_job(new: Subject) -> None:
    """An id of letters, digits and hyphens below 128, and labels as a model's.

    The comments on CreatePipelineJobRequest.pipeline_job_id and PipelineJob.labels
    (google.cloud.aiplatform_v1.types).
    """
    if not JOB_ID.fullmatch(new.key.id):
        raise RefusedError(400, f"Invalid pipeline job id: {new.key.id!r}.")
    model_labels(new.body.get("labels", {}))


def model_labels(labels: dict[str, str]) -> None:
    """At most 64 characters, as the comment on Model.labels says."""
    for key, value in labels.items():
        if not LABEL.fullmatch(key) or not LABEL.fullmatch(value):
            raise RefusedError(400, f"Invalid label: {key!r} is {value!r}.")


def refuse_fields(names: set[str], allowed_names: set[str]) -> None:
    unsupported_names = sorted(names - allowed_names)
    if unsupported_names:
        raise RefusedError(400, f"The update mask names {', '.join(unsupported_names)}.")


Refusals = dict[tuple[str, str], Callable[[Subject], None]]  # by product and collection

CREATE: Refusals = {
    ("big_query", "datasets"): dataset,
    ("cloudbuildv2", "connections"): connection,
    ("cloud_build", "triggers"): trigger,
    ("monitoring", "alertPolicies"): alert_policy,
    ("vertex_ai", "pipelineJobs"): pipeline_job,
}
# checked on what the object would become
CHANGE: Refusals = {
    ("vertex_ai", "endpoints"): traffic,
}
# checked on the names of the changed fields
MASK: dict[tuple[str, str], Callable[[set[str]], None]] = {
    ("vertex_ai", "models"): model_mask,
    ("vertex_ai", "versions"): version_mask,
}
DELETE: Refusals = {
    ("storage", "b"): full_bucket,
    ("big_query", "datasets"): full_dataset,
    ("vertex_ai", "endpoints"): serving_endpoint,
}
