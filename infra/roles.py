"""Which roles each identity gets on the project as a whole; what can be granted on one resource is granted there, by its stack."""

from settings import Settings

BUILDER = ("roles/aiplatform.user", "roles/logging.logWriter", "roles/monitoring.viewer")
PIPELINE = ("roles/aiplatform.user", "roles/bigquery.jobUser", "roles/bigquery.readSessionUser", "roles/logging.logWriter")
DATAFLOW = ("roles/dataflow.developer", "roles/dataflow.worker")
MONITOR = ("roles/bigquery.jobUser", "roles/logging.logWriter")
CALLER = "roles/cloudbuild.builds.editor"  # what running another stage's trigger takes; there is no grant on one trigger
COSTS = {"planner": "roles/billing.viewer", "deployer": "roles/billing.costsManager"}

PLANNER = (
    "roles/aiplatform.viewer",
    "roles/artifactregistry.reader",
    "roles/bigquery.metadataViewer",
    "roles/browser",
    "roles/cloudbuild.builds.viewer",
    "roles/cloudbuild.connectionViewer",
    "roles/cloudscheduler.viewer",
    "roles/iam.securityReviewer",
    "roles/logging.viewer",
    "roles/monitoring.viewer",
    "roles/pubsub.viewer",
    "roles/serviceusage.serviceUsageConsumer",
)
DEPLOYER = (
    "roles/aiplatform.admin",
    "roles/artifactregistry.admin",
    "roles/bigquery.dataOwner",
    "roles/cloudbuild.builds.editor",
    "roles/cloudbuild.connectionAdmin",
    "roles/cloudscheduler.admin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountUser",
    "roles/logging.configWriter",
    "roles/monitoring.editor",
    "roles/pubsub.admin",
    "roles/serviceusage.serviceUsageAdmin",
    "roles/storage.admin",
)
LEGACY_DEPLOYER = ("roles/ml.admin",)


def of_pipeline(settings: Settings) -> tuple[str, ...]:
    return PIPELINE + (DATAFLOW if settings.beam_engine == "dataflow" else ())


def of_deployer(settings: Settings) -> tuple[str, ...]:
    return DEPLOYER + (LEGACY_DEPLOYER if settings.legacy_ai_platform else ())


def grantable(settings: Settings) -> list[str]:
    """The roles that CI's deployer may grant on the project: those that its stacks grant, and so never its own."""
    granted = {*BUILDER, *of_pipeline(settings), *MONITOR, CALLER, settings.names.predictor_role_resource}
    return sorted(granted)
