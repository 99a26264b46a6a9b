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
READING = {
    "roles/aiplatform.viewer": "aiplatform.endpoints.get",
    "roles/artifactregistry.reader": "artifactregistry.repositories.get",
    "roles/bigquery.metadataViewer": "bigquery.datasets.get",
    "roles/browser": "resourcemanager.projects.get",
    "roles/cloudbuild.builds.viewer": "cloudbuild.builds.get",
    "roles/cloudbuild.connectionViewer": "cloudbuild.connections.get",
    "roles/cloudscheduler.viewer": "cloudscheduler.jobs.get",
    "roles/compute.networkViewer": "compute.networks.get",
    "roles/iam.securityReviewer": "iam.serviceAccounts.getIamPolicy",
    "roles/logging.viewer": "logging.logMetrics.get",
    "roles/monitoring.viewer": "monitoring.alertPolicies.get",
    "roles/pubsub.viewer": "pubsub.topics.get",
    "roles/serviceusage.serviceUsageConsumer": "serviceusage.services.use",
    "roles/storage.bucketViewer": "storage.buckets.get",
}


def of_planner(settings: Settings) -> dict[str, str]:
    """Role -> permission, for the planner."""
    return {role: READING[role] for role in roles.of_planner(settings)}


def of_deployer(settings: Settings) -> dict[str, str]:
    """Role -> permission, for the deployer.

    It lacks the grants of roles, which are limited to some: a question knows no such limit.
    """
    return {role: TELLING[role] for role in roles.of_deployer(settings)}


def of_person(settings: Settings) -> dict[str, str]:
    """Role -> permission, for the person who makes the bootstrap and deploys first."""
    return {role: TELLING[role] for role in sorted({*BOOTSTRAP, *roles.of_deployer(settings)})}
