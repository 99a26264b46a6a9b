"""The cloud of the stand-in provider.

An object is a file `<type>/<id>.json` with its attributes, which anyone may edit or remove.
"""

import hashlib
import itertools
import json
import os
import re
from pathlib import Path
from typing import Any

Values = dict[str, Any]

PROJECT, PLACE = "projects/{project}", "projects/{project}/locations/{location}"
# As the real provider builds them; {number} is given by the cloud, so that two of the same name are
# no conflict.
IDS = {
    "google_artifact_registry_repository": f"{PLACE}/repositories/{{repository_id}}",
    "google_bigquery_dataset": f"{PROJECT}/datasets/{{dataset_id}}",
    "google_bigquery_table": f"{PROJECT}/datasets/{{dataset_id}}/tables/{{table_id}}",
    "google_billing_budget": "billingAccounts/{billing_account}/budgets/{number}",
    "google_cloud_scheduler_job": f"{PROJECT}/locations/{{region}}/jobs/{{name}}",
    "google_cloudbuild_trigger": f"{PLACE}/triggers/{{name}}",
    "google_cloudbuildv2_connection": f"{PLACE}/connections/{{name}}",
    "google_cloudbuildv2_repository": (
        f"{PLACE}/connections/{{parent_connection}}/repositories/{{name}}"
    ),
    "google_compute_network": f"{PROJECT}/global/networks/{{name}}",
    "google_compute_subnetwork": f"{PROJECT}/regions/{{region}}/subnetworks/{{name}}",
    "google_iam_workload_identity_pool": (
        f"{PROJECT}/locations/global/workloadIdentityPools/{{workload_identity_pool_id}}"
    ),
    "google_iam_workload_identity_pool_provider": (
        f"{PROJECT}/locations/global/workloadIdentityPools/{{workload_identity_pool_id}}/"
        f"providers/{{workload_identity_pool_provider_id}}"
    ),
    "google_logging_metric": "{name}",
    "google_ml_engine_model": f"{PROJECT}/models/{{name}}",
    "google_monitoring_alert_policy": f"{PROJECT}/alertPolicies/{{number}}",
    "google_monitoring_dashboard": f"{PROJECT}/dashboards/{{number}}",
    "google_monitoring_notification_channel": f"{PROJECT}/notificationChannels/{{number}}",
    "google_project_iam_custom_role": f"{PROJECT}/roles/{{role_id}}",
    "google_project_service": "{project}/{service}",
    "google_pubsub_subscription": f"{PROJECT}/subscriptions/{{name}}",
    "google_pubsub_topic": f"{PROJECT}/topics/{{name}}",
    "google_secret_manager_secret": f"{PROJECT}/secrets/{{secret_id}}",
    "google_secret_manager_secret_version": "{secret}/versions/{number}",
    "google_service_account": (
        f"{PROJECT}/serviceAccounts/{{account_id}}@{{project}}.iam.gserviceaccount.com"
    ),
    "google_storage_bucket": "{name}",
    "google_vertex_ai_endpoint": f"{PLACE}/endpoints/{{name}}",
}
# What tells two objects of any other type apart.
OWN_NAME = re.compile(r"name|(\w+_)?id|bucket|topic|service|role|member")
LONG_NAME = 200  # from here on a file's name is cut, with a hash at its end
ADDITIVE = (
    "_iam_member",
    "_iam_binding",
    "_iam_policy",
    "_iam_audit_config",
    "google_project_service",
)


class AlreadyThereError(Exception):
    """Google's answer of 409."""


def directory() -> Path:
    return Path(os.environ["ESTEIRA_STANDIN_OBJECTS"])


def file_of(kind: str, identity: str) -> Path:
    name = identity.replace("/", "__")
    if len(name) >= LONG_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()
        name = f"{name[:150]}-{digest[:16]}"
    return directory() / kind / f"{name}.json"


def is_additive(kind: str) -> bool:
    """An existing grant is no conflict."""
    return kind.endswith(ADDITIVE)


def identity(kind: str, values: Values) -> tuple[str, str]:
    """The id, and the first free number in it if the cloud gives one."""
    template = IDS.get(kind) or _template_of_names(values)
    texts = {}
    for name, value in values.items():
        texts[name] = value if isinstance(value, str | list) else ""
    if "{number}" not in template:
        return template.format_map(texts), ""
    for number in itertools.count(1):
        id_ = template.format_map({**texts, "number": number})
        if not file_of(kind, id_).exists():
            break
    return id_, str(number)


def _template_of_names(values: Values) -> str:
    """The template of a type outside of IDS: all its names, else a number."""
    names = [name for name, value in values.items() if _tells_apart(name, value)]
    template = "/".join(f"{{{name}}}" for name in sorted(names))
    if values.get("condition"):
        template += "/{condition[0][title]}"
    return template or "{number}"


def _tells_apart(name: str, value: Any) -> bool:
    if name == "id" or not isinstance(value, str):
        return False
    return OWN_NAME.fullmatch(name) is not None


def create(kind: str, identity: str, values: Values) -> None:
    path = file_of(kind, identity)
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = "w" if is_additive(kind) else "x"
    text = _text(values)
    try:
        with path.open(mode) as file:
            file.write(text)
    except FileExistsError:
        raise AlreadyThereError(f"{identity} already exists.") from None


def read(kind: str, identity: str) -> Values | None:
    path = file_of(kind, identity)
    if not path.exists():
        return None
    return json.loads(path.read_text())


def update(kind: str, identity: str, values: Values) -> None:
    path = file_of(kind, identity)
    path.write_text(_text(values))


def delete(kind: str, identity: str) -> None:
    path = file_of(kind, identity)
    path.unlink(missing_ok=True)


def _text(values: Values) -> str:
    return json.dumps(values, indent=1, sort_keys=True) + "\n"
