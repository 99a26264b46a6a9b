"""What each account does in pipeline/, the permission that each call takes, and where.

No stand-in refuses for want of a permission; this table does. Google's documents say what a call
takes: https://cloud.google.com/storage/docs/access-control/iam-json for buckets, the page of each
product's permissions for the others.
"""

import pytest

from environments import ENVIRONMENTS
from settings import artifacts
from tests.infra.conftest import every_stage
from tests.infra.stacks.iam import Place, is_allowed

BUCKET = ""  # asked of the bucket itself, as a list of objects is
RECORD = artifacts.RECORD
MODULE = f"{artifacts.MODULES}cab/0123/model.py"
CHANGE = f"{artifacts.HISTORY}cab/20261127T100000.000000Z-abcdef.json"
REPORT = f"{artifacts.REPORTS}dev-cab-1/report.html"
MODEL = f"{artifacts.RUNS}dev-cab/123/Trainer/model/saved_model.pb"
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
    ("builder", "the report of a run", CREATE, REPORT),
    ("builder", "the report of a run, again", DELETE, REPORT),
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
    ("builder", "cloud_build.start", "cloudbuild.builds.create"),
    ("builder", "cloud_build.find", "cloudbuild.builds.list"),
    ("builder", "event_log.tell", "logging.logEntries.create"),
    ("builder", "endpoints.measured", "monitoring.timeSeries.list"),
    ("pipeline", "vertex_pusher.push", "aiplatform.models.upload"),
    ("pipeline", "vertex_pusher.deploy", "aiplatform.endpoints.deploy"),
    ("pipeline", "vertex_trainer", "aiplatform.customJobs.create"),
    ("pipeline", "bigquery_example_gen's query", "bigquery.jobs.create"),
    ("pipeline", "bigquery_example_gen's result", "bigquery.datasets.create"),
]
ON_DATAFLOW = ["dataflow.jobs.create", "dataflow.workItems.lease"]
PULL, PUSH = (f"artifactregistry.repositories.{verb}Artifacts" for verb in ("download", "upload"))
# what nobody but the builder may do, and what nobody needs
REFUSED_IN_THE_BUCKET = [
    ("pipeline", CREATE, RECORD),
    ("pipeline", DELETE, RECORD),
    ("pipeline", GET, RECORD),
    ("pipeline", CREATE, MODULE),
    ("pipeline", DELETE, MODULE),
    ("pipeline", CREATE, CHANGE),
    ("pipeline", DELETE, CHANGE),
    ("pipeline", CREATE, REPORT),
    ("builder", CREATE, MODEL),
    ("builder", DELETE, MODEL),
    ("server", GET, RECORD),
    ("server", GET, MODULE),
    ("server", GET, CHANGE),
    ("server", GET, SCRATCH),
    ("server", CREATE, MODEL),
    ("monitor", GET, MODEL),
    ("monitor", CREATE, RECORD),
    ("planner", GET, RECORD),
]


def artifact(settings, object_):
    return Place(settings.names.bucket("artifacts"), object_)


@every_stage
@pytest.mark.parametrize(("account", "call", "permission", "object_"), IN_THE_BUCKET)
def test_an_account_may_do_its_work_in_the_bucket(
    synthesized, settings, account, call, permission, object_
):
    member, place = settings.names.member(account), artifact(settings, object_)

    assert is_allowed(synthesized, settings, member, permission, place), call


@every_stage
@pytest.mark.parametrize(("account", "permission", "object_"), REFUSED_IN_THE_BUCKET)
def test_an_account_may_do_nothing_else_in_the_bucket(
    synthesized, settings, account, permission, object_
):
    member, place = settings.names.member(account), artifact(settings, object_)

    assert not is_allowed(synthesized, settings, member, permission, place)


@every_stage
@pytest.mark.parametrize(("account", "call", "permission"), IN_THE_PROJECT)
def test_an_account_may_do_its_work_in_the_project(
    synthesized, settings, account, call, permission
):
    member, project = settings.names.member(account), Place(settings.project_id)

    assert is_allowed(synthesized, settings, member, permission, project), call


@every_stage
@pytest.mark.parametrize("permission", ON_DATAFLOW)
def test_the_pipeline_runs_on_dataflow_where_the_stage_says_so(synthesized, settings, permission):
    member, project = settings.names.member("pipeline"), Place(settings.project_id)

    allowed = is_allowed(synthesized, settings, member, permission, project)

    assert allowed is (settings.beam_engine == "dataflow")


@every_stage
def test_an_image_is_pushed_by_the_builder_and_pulled_by_whom_no_agent_of_google_s_helps(
    synthesized, settings
):
    """Vertex pulls by its own agent, Dataflow's workers by the pipeline's account.

    https://cloud.google.com/dataflow/docs/concepts/security-and-permissions
    """
    images = Place(settings.names.repository)
    permissions = {}
    for account in ("builder", "pipeline", "server", "monitor"):
        member = settings.names.member(account)
        permissions[account] = [
            verb for verb in (PUSH, PULL) if is_allowed(synthesized, settings, member, verb, images)
        ]

    assert permissions == {"builder": [PUSH, PULL], "pipeline": [PULL], "server": [], "monitor": []}


@every_stage
def test_the_pipeline_reads_the_team_s_tables(synthesized, settings):
    member, data = settings.names.member("pipeline"), Place(settings.names.dataset("data"))

    assert is_allowed(synthesized, settings, member, "bigquery.tables.getData", data)


FOLLOWERS = [settings for settings in ENVIRONMENTS.values() if settings.promotes_from]


@pytest.mark.parametrize("follower", FOLLOWERS, ids=lambda settings: settings.stage)
def test_a_stage_s_builder_reads_the_record_and_the_images_of_the_stage_before_and_no_more(
    synthesized, follower
):
    previous, builder = ENVIRONMENTS[follower.promotes_from], follower.names.member("builder")
    record, bucket = artifact(previous, RECORD), artifact(previous, BUCKET)
    images = Place(previous.names.repository)

    assert is_allowed(synthesized, previous, builder, GET, record)
    assert is_allowed(synthesized, previous, builder, LIST, bucket)
    assert is_allowed(synthesized, previous, builder, PULL, images)
    assert not is_allowed(synthesized, previous, builder, CREATE, record)
    assert not is_allowed(synthesized, previous, builder, PUSH, images)
    assert not is_allowed(synthesized, previous, builder, GET, artifact(previous, MODULE))


@pytest.mark.parametrize("follower", FOLLOWERS, ids=lambda settings: settings.stage)
def test_a_stage_s_builder_asks_the_next_to_promote(synthesized, follower):
    previous = ENVIRONMENTS[follower.promotes_from]
    builder, topic = previous.names.member("builder"), Place(follower.names.topic("promote"))

    assert is_allowed(synthesized, follower, builder, "pubsub.topics.publish", topic)


def test_a_condition_ends_at_its_folder(synthesized):
    """`delivery.json.old` is not the record, `pipelines-old/` no folder of runs."""
    settings, *_ = ENVIRONMENTS.values()
    builder, pipeline = (settings.names.member(account) for account in ("builder", "pipeline"))
    other_record, other_runs = artifact(settings, f"{RECORD}.old"), artifact(settings, "pipelines")

    assert not is_allowed(synthesized, settings, builder, CREATE, other_record)
    assert not is_allowed(synthesized, settings, pipeline, CREATE, other_runs)
