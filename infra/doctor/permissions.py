"""Name one telling permission for each role.

An account that has it holds the role: lesser roles lack it, and a project can be asked about it.
"""

from infra import roles
from settings import Settings

BOOTSTRAP = (
    "roles/iam.roleAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.workloadIdentityPoolAdmin",
    "roles/resourcemanager.projectIamAdmin",
    "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageAdmin",
    "roles/storage.admin",
)
TELLING = {
    "roles/aiplatform.admin": "aiplatform.endpoints.create",
    "roles/artifactregistry.admin": "artifactregistry.repositories.create",
    "roles/bigquery.dataOwner": "bigquery.datasets.update",
    "roles/cloudbuild.builds.editor": "cloudbuild.builds.create",
    "roles/cloudbuild.connectionAdmin": "cloudbuild.connections.create",
    "roles/cloudscheduler.admin": "cloudscheduler.jobs.create",
    "roles/compute.networkAdmin": "compute.networks.create",
    "roles/iam.roleAdmin": "iam.roles.create",
    "roles/iam.serviceAccountAdmin": "iam.serviceAccounts.setIamPolicy",
    "roles/iam.serviceAccountUser": "iam.serviceAccounts.actAs",
    "roles/iam.workloadIdentityPoolAdmin": "iam.workloadIdentityPools.create",
    "roles/logging.configWriter": "logging.logMetrics.create",
    "roles/ml.admin": "ml.models.create",
    "roles/monitoring.editor": "monitoring.alertPolicies.create",
    "roles/pubsub.admin": "pubsub.topics.setIamPolicy",
    "roles/resourcemanager.projectIamAdmin": "resourcemanager.projects.setIamPolicy",
    "roles/secretmanager.admin": "secretmanager.secrets.create",
    "roles/serviceusage.serviceUsageAdmin": "serviceusage.services.enable",
    "roles/storage.admin": "storage.buckets.create",
}


def of_person(settings: Settings) -> dict[str, str]:
    """Role -> permission, for the person who makes the bootstrap and deploys first."""
    return {role: TELLING[role] for role in sorted({*BOOTSTRAP, *roles.of_deployer(settings)})}
