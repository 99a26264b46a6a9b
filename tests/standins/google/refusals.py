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
    r"serviceAccount:((?!service-\d+@)[a-z0-9-]+@(?"
    r"!gcp-sa-)([a-z0-9-]+)\.iam\.gserviceaccount\.com)"
)
ANEW = 600  # seconds for which Google says that a log metric may be unknown to alerting


def members(store: Store, policy: Body) -> None:
    """A policy may name only existing service accounts; Google's own agents always exist."""
    for binding in policy.get("bindings", []):
        for member in binding["members"]:
            if match := OWN_ACCOUNT.fullmatch(member):
                account(store, *match.groups())


def account(store: Store, email: str, project: str) -> None:
    if Key("iam", f"projects/{project}/serviceAccounts/{email}") not in store.objects:
        raise RefusedError(400, f"Service account {email} does not exist.")


def dataset(asked: Subject) -> None:
    for entry in asked.body.get("access", []):
        member = entry.get("iamMember") or f"serviceAccount:{entry.get('userByEmail')}"
        if match := OWN_ACCOUNT.fullmatch(member):
            account(asked.store, *match.groups())


def connection(asked: Subject) -> None:
    """A connection reads its token at once, so the secret needs a version before."""
    secret = (
        asked.body.get("githubConfig", {})
        .get("authorizerCredential", {})
        .get("oauthTokenSecretVersion")
    )
    if secret is None:
        return
    versions = Key("secret_manager", secret.removesuffix("/latest"))
    if versions not in asked.store.objects and not (
        secret.endswith("/latest") and asked.store.below(versions)
    ):
        raise RefusedError(
            400,
            (
                f"Secret version {secret} was not found, or the Cloud Build service agent may not "
                "read it."
            ),
        )


def trigger(asked: Subject) -> None:
    triggers = asked.store.below(Key(asked.key.product, asked.key.name.rsplit("/", 1)[0]))
    if any(
        body.get("name") == asked.body.get("name") and k != asked.key
        for k, body in triggers.items()
    ):
        raise RefusedError(409, f"trigger {asked.body.get('name')} already exists.")


def alert_policy(asked: Subject) -> None:
    """Alerting must know a log metric; it doesn't know a new one for a while (here: once)."""
    for name in METRIC.findall(" ".join(strings(asked.body))):
        project = asked.key.name.split("/")[1]
        metric = Key("logging", f"projects/{project}/metrics/{name.replace('/', '%2F')}")
        if (
            metric not in asked.store.objects
            or time.time() - asked.store.unready.pop(metric, 0) < ANEW
        ):
            wait = (
                "If a metric was created recently, it could take up to 10 minutes to become "
                "available."
            )
            raise RefusedError(
                404,
                (
                    f'Cannot find metric that matches type = "logging.googleapis.com/user/{name}". '
                    f"{wait}"
                ),
            )


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for part in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from strings(part)


def full_bucket(asked: Subject) -> None:
    if asked.store.below(asked.key):
        raise RefusedError(409, "The bucket you tried to delete is not empty.")


def full_dataset(asked: Subject) -> None:
    if asked.store.below(asked.key) and asked.body.get("deleteContents") != "true":
        raise RefusedError(400, f"Dataset {asked.key.name} is still in use")


def serving_endpoint(asked: Subject) -> None:
    if asked.store.get(asked.key).get("deployedModels"):
        raise RefusedError(
            400,
            (
                f"Endpoint {asked.key.name} has deployed models; undeploy them before deleting the "
                "Endpoint."
            ),
        )


def traffic(asked: Subject) -> None:
    """An endpoint may give traffic to deployed models alone, and all of it."""
    models, split = asked.body.get("deployedModels", []), asked.body.get("trafficSplit", {})
    unknown = split.keys() - {model["id"] for model in models}
    if unknown or (models and sum(split.values()) != 100):
        raise RefusedError(400, f"trafficSplit must give 100% to deployed models, got {split}")


CREATE: dict[tuple[str, str], Callable[[Subject], None]] = {
    ("big_query", "datasets"): dataset,
    ("cloudbuildv2", "connections"): connection,
    ("cloud_build", "triggers"): trigger,
    ("monitoring", "alertPolicies"): alert_policy,
}
CHANGE: dict[
    tuple[str, str], Callable[[Subject], None]
] = {  # asked with what the object would become
    ("vertex_ai", "endpoints"): traffic,
}
DELETE: dict[tuple[str, str], Callable[[Subject], None]] = {
    ("storage", "b"): full_bucket,
    ("big_query", "datasets"): full_dataset,
    ("vertex_ai", "endpoints"): serving_endpoint,
}
