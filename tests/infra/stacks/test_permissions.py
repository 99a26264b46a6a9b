"""The synthesized grants allow each account its calls (infra/doctor/calls.py), and no others."""

import pytest

from environments import ENVIRONMENTS
from infra.doctor.calls import (
    ACTORS,
    BASELINE,
    BUCKET,
    CHANGE,
    CREATE,
    DELETE,
    GET,
    IN_THE_BUCKET,
    IN_THE_PROJECT,
    LIST,
    MODEL,
    MODULE,
    ON_DATAFLOW,
    ON_IMAGES,
    ON_VERDICTS,
    PULL,
    PUSH,
    RECORD,
    REPORT,
    SCRATCH,
)
from infra.stacks import bootstrap
from tests.infra.conftest import every_stage
from tests.infra.stacks.iam import Place, is_allowed

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
    ("monitor", GET, MODULE),
    ("monitor", GET, REPORT),
    ("monitor", CREATE, REPORT),
    ("monitor", CREATE, CHANGE),
    ("monitor", CREATE, MODEL),
    ("monitor", DELETE, BASELINE),
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


READ_ROWS, WRITE_ROWS = "bigquery.tables.getData", "bigquery.tables.updateData"


@every_stage
@pytest.mark.parametrize(
    ("dataset", "permissions"),
    [
        ("requests", [READ_ROWS, WRITE_ROWS]),
        ("views", [READ_ROWS, WRITE_ROWS]),
        ("verdicts", [READ_ROWS, WRITE_ROWS]),
        ("data", [READ_ROWS]),
    ],
)
def test_the_monitor_writes_what_it_keeps_and_reads_what_models_were_trained_on(
    synthesized, settings, dataset, permissions
):
    """It deletes rows of the log that are too old."""
    member, place = settings.names.member("monitor"), Place(settings.names.dataset(dataset))

    allowed = [
        permission
        for permission in (READ_ROWS, WRITE_ROWS)
        if is_allowed(synthesized, settings, member, permission, place)
    ]

    assert allowed == permissions


@every_stage
def test_an_account_s_verdicts_are_as_the_doctor_asks(synthesized, settings):
    verdicts = Place(settings.names.dataset("verdicts"))

    for account, verdict_calls in ON_VERDICTS.items():
        member = settings.names.member(account)
        for permission, call in verdict_calls:
            assert is_allowed(synthesized, settings, member, permission, verdicts), call


@every_stage
def test_the_monitor_makes_the_readers_view(synthesized, settings):
    """Of an authorized dataset, whose views read the log for whoever reads them.

    https://docs.cloud.google.com/bigquery/docs/authorized-datasets#create_or_update_view
    """
    member = settings.names.member("monitor")
    log, views = (Place(settings.names.dataset(name)) for name in ("requests", "views"))

    assert is_allowed(synthesized, settings, member, READ_ROWS, log)
    assert is_allowed(synthesized, settings, member, "bigquery.tables.create", views)
    assert is_allowed(synthesized, settings, member, "bigquery.tables.update", views)


@every_stage
@pytest.mark.parametrize(
    "permission",
    [
        "aiplatform.endpoints.predict",
        "aiplatform.endpoints.update",
        "aiplatform.models.upload",
        "aiplatform.pipelineJobs.create",
        "bigquery.datasets.create",
        "cloudbuild.builds.create",
    ],
)
def test_the_monitor_changes_nothing_that_is_served(synthesized, settings, permission):
    member, project = settings.names.member("monitor"), Place(settings.project_id)

    assert not is_allowed(synthesized, settings, member, permission, project)


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


def test_the_doctor_s_actors_are_those_of_bootstrap():
    actors = {(actor, account) for account, names in bootstrap.ACTORS.items() for actor in names}

    pairs = {(actor, account) for actor, names in ACTORS.items() for account in names}

    assert pairs == actors


@every_stage
def test_an_account_s_images_are_as_the_doctor_asks(synthesized, settings):
    images = Place(settings.names.repository)

    for account, image_calls in ON_IMAGES.items():
        member = settings.names.member(account)
        for permission, call in image_calls:
            assert is_allowed(synthesized, settings, member, permission, images), call
