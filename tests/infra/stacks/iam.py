"""Who may do what, by the grants of the synthesized stacks: IAM as far as these grants use it.

What each role holds is from https://cloud.google.com/iam/docs/roles-permissions, cut to what is
asked for here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

from settings import Settings
from tests.infra.conftest import Resource, Synthesized, configured

ENDPOINTS = {f"aiplatform.endpoints.{verb}" for verb in ("get", "update", "predict")}
DEPLOYMENT = {f"aiplatform.endpoints.{verb}" for verb in ("deploy", "undeploy")}
JOBS = {f"aiplatform.pipelineJobs.{verb}" for verb in ("create", "get", "list")}
CONTEXTS = {f"aiplatform.contexts.{verb}" for verb in ("addContextChildren", "create", "list")}
READ, WRITE = {"storage.objects.get"}, {"storage.objects.create", "storage.objects.delete"}
LIST = {"storage.objects.list"}
PULL = {"artifactregistry.repositories.downloadArtifacts"}
ROLES = {
    "roles/aiplatform.user": {
        *ENDPOINTS,
        *DEPLOYMENT,
        *JOBS,
        *CONTEXTS,
        "aiplatform.customJobs.create",
        *(f"aiplatform.models.{verb}" for verb in ("get", "update", "upload")),
    },
    "roles/artifactregistry.reader": PULL,
    "roles/artifactregistry.writer": {*PULL, "artifactregistry.repositories.uploadArtifacts"},
    "roles/bigquery.dataEditor": {
        *(f"bigquery.tables.{verb}" for verb in ("create", "getData", "update", "updateData"))
    },
    "roles/bigquery.dataViewer": {"bigquery.tables.getData"},
    "roles/bigquery.readSessionUser": {"bigquery.readsessions.create"},
    "roles/bigquery.user": {"bigquery.jobs.create", "bigquery.datasets.create"},
    "roles/cloudkms.publicKeyViewer": {"cloudkms.cryptoKeyVersions.viewPublicKey"},
    "roles/cloudkms.signerVerifier": {
        "cloudkms.cryptoKeyVersions.useToSign",
        "cloudkms.cryptoKeyVersions.viewPublicKey",
    },
    "roles/dataflow.developer": {"dataflow.jobs.create", "dataflow.jobs.get"},
    "roles/dataflow.worker": {
        "dataflow.workItems.lease",
        "storage.buckets.get",
        "storage.objects.create",
        "storage.objects.get",
    },
    "roles/logging.logWriter": {"logging.logEntries.create"},
    "roles/monitoring.viewer": {"monitoring.timeSeries.list"},
    "roles/pubsub.publisher": {"pubsub.topics.publish"},
    "roles/storage.legacyBucketReader": {*LIST, "storage.buckets.get"},
    "roles/storage.objectUser": {*LIST, *READ, *WRITE},
    "roles/storage.objectViewer": {*LIST, *READ},
}
# type of a grant -> the attribute that names its resource; the project's holds for all in it
ON = {
    "google_storage_bucket_iam_member": "bucket",
    "google_artifact_registry_repository_iam_member": "repository",
    "google_bigquery_dataset_iam_member": "dataset_id",
    "google_pubsub_topic_iam_member": "topic",
    "google_kms_crypto_key_iam_member": "crypto_key_id",
}
OWN_NAMES = ("name", "repository_id", "dataset_id")


@dataclass(frozen=True)
class Place:
    """A resource by its name in a grant; `object` is in the bucket of this name."""

    name: str
    object: str = ""

    @property
    def attributes(self) -> SimpleNamespace:
        """Attributes for conditions: cloud.google.com/iam/docs/conditions-resource-attributes."""
        if not self.name.endswith("-artifacts"):
            return SimpleNamespace(name="", type="")
        bucket = f"projects/_/buckets/{self.name}"
        if not self.object:
            return SimpleNamespace(name=bucket, type="storage.googleapis.com/Bucket")
        return SimpleNamespace(
            name=f"{bucket}/objects/{self.object}", type="storage.googleapis.com/Object"
        )


def is_allowed(
    synthesized: Synthesized, settings: Settings, member: str, permission: str, place: Place
) -> bool:
    """Whether one of the stage's grants to the member allows this at the place."""
    stacks = [stack for stack in synthesized.stacks if stack.endswith(f"-{settings.stage}")]
    grants = [grant for stack in stacks for grant in _grants_at(synthesized, stack, place)]
    own_grants = [grant for grant in grants if grant.member == member]
    custom_roles = _custom_roles(synthesized, settings)
    permissions = {**ROLES, **custom_roles}
    unknown_roles = {grant.role for grant in own_grants} - set(permissions)
    assert not unknown_roles, "granted, and ROLES does not say what they hold"
    return any(
        permission in permissions[grant.role] and _holds(grant, place) for grant in own_grants
    )


def _custom_roles(synthesized: Synthesized, settings: Settings) -> dict[str, set[str]]:
    """The permissions of the stage's own roles, as grants name them."""
    custom_roles = {}
    for role in synthesized.of(f"bootstrap-{settings.stage}", "google_project_iam_custom_role"):
        custom_roles[f"projects/{settings.project_id}/roles/{role.role_id}"] = set(role.permissions)
    return custom_roles


def _grants_at(synthesized: Synthesized, stack: str, place: Place) -> Iterator[Resource]:
    document = synthesized.stacks[stack]
    for type_, grant in configured(document):
        is_project_s = type_ == "google_project_iam_member" and (
            "bootstrap" not in stack or grant.role.startswith("projects/")
        )
        if is_project_s or (
            type_ in ON and _place_name(synthesized, stack, type_, grant) == place.name
        ):
            yield grant


def _place_name(synthesized: Synthesized, stack: str, type_: str, grant: Resource) -> str:
    """The name, also behind a reference like `${google_storage_bucket.Artifacts.name}`."""
    reference = getattr(grant, ON[type_])
    if not reference.startswith("${"):
        return str(reference)
    place_type, id_, _ = reference.strip("${}").split(".")
    resource = synthesized.by_id(stack, place_type)[id_]
    return next(getattr(resource, name) for name in OWN_NAMES if hasattr(resource, name))


def _holds(grant: Resource, place: Place) -> bool:
    """Whether the condition is true of the place; ours read the same in Python but for these."""
    condition = getattr(grant, "condition", {"expression": "True"})
    expression = condition["expression"]
    for cel, python in (("||", "or"), ("&&", "and"), (".startsWith(", ".startswith(")):
        expression = expression.replace(cel, python)
    return eval(expression, {"__builtins__": {}}, {"resource": place.attributes})
