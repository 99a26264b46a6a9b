"""What each account does for the recipes, and the permission that each call takes, and where.

No stand-in refuses for want of a permission: tests compare this table with the synthesized grants,
and the doctor asks a real project by it. Google's documents say what a call takes:
https://cloud.google.com/storage/docs/access-control/iam-json for buckets, the page of each
product's permissions for the others.
"""

from settings import artifacts

BUCKET = ""  # asked of the bucket itself, as a list of objects is
RECORD = artifacts.RECORD
MODULE = f"{artifacts.MODULES}MODEL/0123/model.py"
CHANGE = f"{artifacts.HISTORY}MODEL/20261127T100000.000000Z-abcdef.json"
REPORT = f"{artifacts.REPORTS}RUN/report.html"
PAGE = f"{artifacts.PAGES}MODEL.html"
REQUESTS = f"{artifacts.RETRAININGS}MODEL.json"
BASELINE = f"{artifacts.RUNS}dev-MODEL/123/Trainer/model/Format-Serving/baseline.json"
MODEL = f"{artifacts.RUNS}dev-MODEL/123/Trainer/model/saved_model.pb"
SCRATCH = f"{artifacts.SCRATCH}beam/part-0"
GET, CREATE, DELETE, LIST = (
    f"storage.objects.{verb}" for verb in ("get", "create", "delete", "list")
)
# account, the call, what it takes, the object; an overwritten object takes create and delete
IN_THE_BUCKET = [
    ("builder", "record_object.read", GET, RECORD),
    ("builder", "record_object.read, where there is none yet", LIST, BUCKET),
    ("builder", "record_object.update", CREATE, RECORD),
    ("builder", "record_object.update", DELETE, RECORD),
    ("builder", "modules.upload", CREATE, MODULE),
    ("builder", "modules.upload, of one that is there", GET, MODULE),
    ("builder", "history.append", CREATE, CHANGE),
    ("builder", "history.read", GET, CHANGE),
    ("builder", "history.read", LIST, BUCKET),
    ("builder", "the report of a run", GET, MODEL),
    ("builder", "integrity.checked", LIST, BUCKET),
    ("builder", "integrity.checked", GET, MODEL),
    ("builder", "the report of a run", CREATE, REPORT),
    ("builder", "the report of a run, again", DELETE, REPORT),
    ("builder", "stage_bucket.check", GET, REPORT),
    ("builder", "a request for a retraining, taken", GET, REQUESTS),
    ("builder", "a request for a retraining, taken", CREATE, REQUESTS),
    ("builder", "a request for a retraining, taken", DELETE, REQUESTS),
    # GcsFileSystem::BucketExists of tensorflow/core/platform/cloud/gcs_file_system.cc
    ("pipeline", "tf.io.gfile.makedirs", "storage.buckets.get", BUCKET),
    # _warn_if_soft_delete_policy_enabled of apache_beam/options/pipeline_options.py
    ("pipeline", "Beam's look at temp_location", "storage.buckets.get", BUCKET),
    ("pipeline", "tf.io.gfile.listdir", LIST, BUCKET),
    ("pipeline", "a node imports its module", GET, MODULE),
    ("pipeline", "a node reads its inputs", GET, MODEL),
    ("pipeline", "a node writes its outputs", CREATE, MODEL),
    ("pipeline", "a node replaces its outputs", DELETE, MODEL),
    ("pipeline", "BigQuery exports rows for Beam", CREATE, SCRATCH),
    ("pipeline", "Beam reads them", GET, SCRATCH),
    ("pipeline", "Beam clears them away", DELETE, SCRATCH),
    ("server", "saved_model.fetch", LIST, BUCKET),
    ("server", "saved_model.fetch", GET, MODEL),
    ("monitor", "record_object.read", GET, RECORD),
    ("monitor", "history.read", LIST, BUCKET),
    ("monitor", "history.read", GET, CHANGE),
    ("monitor", "a version's baseline", GET, BASELINE),
    ("monitor", "a request for a retraining", GET, REQUESTS),
    ("monitor", "a request for a retraining", CREATE, REQUESTS),
    ("monitor", "a request for a retraining, once more", DELETE, REQUESTS),
    ("monitor", "a model's page", CREATE, PAGE),
    ("monitor", "a model's page, the next morning", DELETE, PAGE),
]
IN_THE_PROJECT = [
    ("builder", "pipeline_jobs.submit", "aiplatform.pipelineJobs.create"),
    ("builder", "pipeline_jobs.submit", "aiplatform.pipelineJobs.list"),
    ("builder", "pipeline_jobs.wait", "aiplatform.pipelineJobs.get"),
    ("builder", "endpoints.endpoint_of", "aiplatform.endpoints.get"),
    ("builder", "Endpoint.split", "aiplatform.endpoints.update"),
    ("builder", "Endpoint.ask", "aiplatform.endpoints.predict"),
    ("builder", "deployment.deployed", "aiplatform.endpoints.deploy"),
    ("builder", "Endpoint.undeploy", "aiplatform.endpoints.undeploy"),
    ("builder", "deployment.registered", "aiplatform.models.get"),
    ("builder", "releases.refresh", "aiplatform.models.upload"),
    ("builder", "model_registry.describe", "aiplatform.models.update"),
    ("builder", "VertexExperiments.send", "aiplatform.contexts.create"),
    ("builder", "VertexExperiments.send", "aiplatform.contexts.addContextChildren"),
    ("builder", "cloud_build.start", "cloudbuild.builds.create"),
    ("builder", "cloud_build.find", "cloudbuild.builds.list"),
    ("builder", "event_log.tell", "logging.logEntries.create"),
    ("builder", "endpoints.measured", "monitoring.timeSeries.list"),
    ("monitor", "Endpoint.versions", "aiplatform.endpoints.get"),
    ("monitor", "a version's address", "aiplatform.models.get"),
    ("monitor", "the profile's query", "bigquery.jobs.create"),
    ("monitor", "event_log.tell", "logging.logEntries.create"),
    ("monitor", "the answers that were counted", "monitoring.timeSeries.list"),
    ("pipeline", "vertex_pusher.push", "aiplatform.models.upload"),
    ("pipeline", "vertex_pusher.deploy", "aiplatform.endpoints.deploy"),
    ("pipeline", "vertex_trainer", "aiplatform.customJobs.create"),
    ("pipeline", "bigquery_example_gen's query", "bigquery.jobs.create"),
    ("pipeline", "bigquery_example_gen's result", "bigquery.datasets.create"),
]
# of the principals that a stage names as its readers; the doctor asks as accounts of ours alone
OF_READERS_IN_THE_BUCKET = [
    ("record_object.read", GET, RECORD),
    ("history.read", LIST, BUCKET),
    ("history.read", GET, CHANGE),
    ("a run's summary", GET, REPORT),
]
OF_READERS_IN_THE_PROJECT = [
    ("pipeline_jobs.find", "aiplatform.pipelineJobs.get"),
    ("pipeline_jobs.matching", "aiplatform.pipelineJobs.list"),
    ("metadata_store.artifacts", "aiplatform.artifacts.list"),
    ("metadata_store.neighbours", "aiplatform.artifacts.get"),
    (
        "metadata_store.inputs_and_outputs",
        "aiplatform.executions.queryExecutionInputsAndOutputs",
    ),
    ("contexts.matching", "aiplatform.contexts.list"),
    ("Endpoint.versions", "aiplatform.endpoints.get"),
    ("model_registry.registered", "aiplatform.models.get"),
]
ON_DATAFLOW = ["dataflow.jobs.create", "dataflow.workItems.lease"]
PULL, PUSH = (f"artifactregistry.repositories.{verb}Artifacts" for verb in ("download", "upload"))
ON_IMAGES = {
    "builder": [(PULL, "an image's copy"), (PUSH, "an image")],
    "pipeline": [(PULL, "Dataflow's workers")],
}
# of the tables that Terraform makes; a dataset can't be asked
ON_VERDICTS = {
    "monitor": [
        ("bigquery.tables.getData", "the verdicts of the days before"),
        ("bigquery.tables.updateData", "a verdict"),
    ],
}
# of a stage with a signing_key, whose builder the next stage's asks for the public key
ON_KEY = {
    "builder": [
        ("cloudkms.cryptoKeyVersions.useToSign", "a statement's signature"),
        ("cloudkms.cryptoKeyVersions.viewPublicKey", "a signature verified"),
    ],
}
# the account that acts -> those that its triggers, jobs and deployed models run as
ACTORS = {
    "deployer": ("builder", "monitor"),
    "builder": ("builder", "pipeline", "server"),
    "pipeline": ("pipeline", "server"),
}
