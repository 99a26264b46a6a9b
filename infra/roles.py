"""List the roles of each identity on the project as a whole.

What can be granted on one resource is granted there, by its stack.
"""

from settings import Settings

BUILDER = ("roles/aiplatform.user", "roles/logging.logWriter", "roles/monitoring.viewer")
PIPELINE = (
    "roles/aiplatform.user",
    "roles/bigquery.readSessionUser",
    "roles/bigquery.user",  # a query's result goes to a dataset that is made for it
    "roles/logging.logWriter",
)
DATAFLOW = ("roles/dataflow.developer", "roles/dataflow.worker")
# Their holder may make and read objects in each bucket of the project:
# https://cloud.google.com/iam/docs/roles-permissions/dataflow
IN_ALL_BUCKETS = ("roles/dataflow.worker",)
MONITOR = ("roles/logging.logWriter", "roles/monitoring.viewer")
COSTS = {"planner": "roles/billing.viewer", "deployer": "roles/billing.costsManager"}
PREDICTOR = (
    "aiplatform.endpoints.get",
    "aiplatform.endpoints.predict",
)  # permissions of a custom role
# What finding a trigger by its name, running it and seeing that it runs takes, beside acting as the
# trigger's account; approving is another permission, and there is no grant on one trigger.
CALLER = ("cloudbuild.builds.create", "cloudbuild.builds.get", "cloudbuild.builds.list")
# A writer of images may put tags and take none away; repoAdmin, which may, deletes images as well
# (docs.cloud.google.com/iam/docs/roles-permissions/artifactregistry).
UNTAGGER = ("artifactregistry.tags.delete",)
# What the monitor asks of a project beside its logs and metrics: which versions an endpoint holds,
# where a version's files lie, and a query. aiplatform.viewer would show every job and data set, and
# bigquery.user may make datasets (docs.cloud.google.com/iam/docs/roles-permissions).
WATCHER = ("aiplatform.endpoints.get", "aiplatform.models.get", "bigquery.jobs.create")
# What granting a key takes: cloudkms.admin, which may as well, destroys keys
# (docs.cloud.google.com/iam/docs/roles-permissions/cloudkms).
KEEPER = ("cloudkms.cryptoKeys.getIamPolicy", "cloudkms.cryptoKeys.setIamPolicy")
# What `lineage` and `runs --env` ask of a stage's project. aiplatform.viewer holds it, and since
# March 2026 asks endpoints and reads feature values, too
# (docs.cloud.google.com/iam/docs/permission-changes-march-29-2026).
# An artifact's neighbours have no permission of their own as an execution's have
# (docs.cloud.google.com/iam/docs/roles-permissions/aiplatform), so that they take the artifact's.
TRACER = (
    "aiplatform.artifacts.get",
    "aiplatform.artifacts.list",
    "aiplatform.contexts.list",
    "aiplatform.endpoints.get",
    "aiplatform.executions.get",
    "aiplatform.executions.queryExecutionInputsAndOutputs",
    "aiplatform.models.get",
    "aiplatform.pipelineJobs.get",
    "aiplatform.pipelineJobs.list",
)

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
    "roles/storage.bucketViewer",
)
DEPLOYER = (
    "roles/aiplatform.admin",
    "roles/artifactregistry.admin",
    "roles/bigquery.dataOwner",
    "roles/cloudbuild.builds.editor",
    "roles/cloudbuild.connectionAdmin",
    "roles/cloudscheduler.admin",
    "roles/logging.configWriter",
    "roles/monitoring.editor",
    "roles/pubsub.admin",
    "roles/serviceusage.serviceUsageAdmin",
    "roles/storage.admin",
)
LEGACY_DEPLOYER = ("roles/ml.admin",)
NETWORK_DEPLOYER, NETWORK_PLANNER = (
    ("roles/compute.networkAdmin",),
    ("roles/compute.networkViewer",),
)


def of_pipeline(settings: Settings) -> tuple[str, ...]:
    dataflow = DATAFLOW if settings.beam_engine == "dataflow" else ()
    return (*PIPELINE, *dataflow)


def of_planner(settings: Settings) -> tuple[str, ...]:
    network = NETWORK_PLANNER if settings.makes_network else ()
    return (*PLANNER, *network)


def of_deployer(settings: Settings) -> tuple[str, ...]:
    legacy = LEGACY_DEPLOYER if settings.legacy_ai_platform else ()
    network = NETWORK_DEPLOYER if settings.makes_network else ()
    return (*DEPLOYER, *legacy, *network)


def grantable(settings: Settings) -> list[str]:
    """Return the roles CI's deployer may grant on the project.

    They are the roles that its stacks grant, and so never its own.
    """
    custom = {settings.names.custom_role(role) for role in ("predictor", "caller", "watcher")}
    return sorted({*BUILDER, *of_pipeline(settings), *MONITOR, *custom})
