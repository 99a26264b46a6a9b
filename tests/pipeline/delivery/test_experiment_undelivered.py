"""No verb delivers an experiment, nor takes it for what a stage has delivered."""

import json
from dataclasses import replace

import pytest

from pipeline.delivery import history, promotion, record_object, releases, withdrawal
from pipeline.delivery.rollout import Rollout
from pipeline.errors import ConfigurationError
from pipeline.gcp import pipeline_jobs
from pipeline.gcp.endpoints import endpoint_of
from pipeline.gcp.stage import Stage
from pipeline.provenance import envelope, stage_bucket, statement
from pipeline.provenance.envelope import SignatureError
from pipeline.submission import experiment
from settings.names import MODEL_NAME
from tests.pipeline.delivery import experiments, stored_models
from tests.pipeline.delivery.conftest import DEV, STAGING, WARM, edit_record
from tests.pipeline.delivery.deliveries import deliver

SIGNING_KEY = (
    "projects/mill-dev/locations/global/keyRings/models/cryptoKeys/provenance/cryptoKeyVersions/1"
)
TRAINING = {
    "run": "dev-cab-0123",
    "seed": 7,
    "deterministic_operations": True,
    "cpu": "a processor",
    "cpus": 2,
    "threads": {},
    "flags": {},
}
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def desk(google, pipelines, repository, warm):
    return experiments.desk(google, repository, warm)


@pytest.fixture
def tried(desk):
    """The run of an experiment that has ended, blessed, and was reported."""
    run = desk.submit().run
    desk.watch(run)
    return run


def silent(*_):
    pass


def test_a_delivery_of_the_same_commit_and_image_makes_a_run_of_its_own(
    desk, pipelines, commit, warm
):
    edit_record(warm, commit=commit)
    new_experiment = experiment.begin(warm, f"{desk.model}/", "ana")
    job = experiment.compiled(new_experiment, experiment.spec_of(new_experiment))
    pipeline_jobs.create(warm, job, new_experiment.run, new_experiment.labels)

    [verdict] = deliver(commit, tag=None)

    tried_job, delivered_job = pipelines.jobs
    assert tried_job["labels"]["base"] == delivered_job["labels"]["commit"]
    assert tried_job["labels"]["image"] == delivered_job["labels"]["image"]
    assert verdict.state == "delivered"
    assert record_object.read(warm).models["cab"].current.run == delivered_job["name"]


def test_the_record_the_endpoint_and_the_registry_stay_as_they_are(google, desk, warm):
    record = record_object.read(warm)
    objects = {key for _, key in google.objects if "/models/" in key}

    run = desk.submit().run
    desk.watch(run)

    assert record_object.read(warm) == record
    assert endpoint_of(warm, "cab").deployed() == {}
    assert {key for _, key in google.objects if "/models/" in key} == objects
    assert history.read(warm, "cab") == []


def test_a_promotion_finds_nothing_of_it(tried, warm, commit):
    rollout = Rollout(Stage(STAGING), warm, (), commit, silent)

    with pytest.raises(ConfigurationError, match="was never delivered to dev"):
        promotion.promote(rollout, warm, ["cab"])


def test_no_change_of_what_serves_knows_it(tried, warm):
    for change in (withdrawal.rollback, withdrawal.retire, releases.refresh):
        with pytest.raises(ConfigurationError, match="there is no model 'cab' delivered to dev"):
            change(warm, "cab", silent)


def test_a_sweep_before_the_next_delivery_leaves_it_alone(google, tried, commit):
    job = [key for _, key in google.objects if key.endswith(tried)]

    [verdict] = deliver(commit, settings=replace(DEV, serving=DEV.serving))

    assert verdict.state == "delivered"
    assert [key for _, key in google.objects if key.endswith(tried)] == job


@pytest.fixture
def signing(desk, google, pipelines, warm, monkeypatch):
    """A stage that signs, and whose next run trains a model of known origin.

    Its report counts no parameters: the index of its variables would be read.
    """
    monkeypatch.delitem(stored_models.FILES, "variables/variables.index")
    google.add_signing_key(SIGNING_KEY, "EC_SIGN_ED25519")
    data, trainer = stored_models.store_model(warm, "tried").details()
    [artifact] = trainer["outputs"]["model"]["artifacts"]
    artifact["metadata"]["training"] = json.dumps(TRAINING)
    pipelines.details = [data, trainer]
    desk.stage = Stage(replace(WARM, signing_key=SIGNING_KEY))
    return desk.stage


def test_a_stage_s_key_signs_no_experiment(signing, desk):
    run = desk.submit().run

    desk.watch(run)

    prefix = f"reports/cab/{run}/"
    blobs = signing.artifacts.list_blobs(prefix=prefix)
    names = {blob.name.removeprefix(prefix) for blob in blobs}
    assert statement.NAME in names
    assert envelope.NAME not in names


def test_a_stage_that_signs_would_refuse_its_model(signing, desk, pipelines):
    run = desk.submit().run
    desk.watch(run)
    digest = pipelines.details[-1]["outputs"]["model"]["artifacts"][0]["metadata"]["digest"]

    with pytest.raises(SignatureError, match="was not signed"):
        stage_bucket.check(signing, "cab", run, digest)


def test_a_lineage_back_tells_its_origin_and_no_serving(tried, cli, desk):
    result = cli("lineage", "back", tried, "--env", "dev", "--json")

    assert result.out, result.err
    [origin] = json.loads(result.out)["origins"]
    assert origin["run"] == tried
    assert origin["code"]["commit"] == desk.base


def test_a_lineage_forward_counts_it_as_served_nowhere(desk, tried, cli):
    result = cli("lineage", "forward", "--commit", desk.base, "--env", "dev", "--json")

    answer = json.loads(result.out)
    [model] = answer["models"]
    assert model["run"] == tried
    assert model["servings"] == []
    assert answer["commands"] == []
    assert result.code == 0


def test_a_model_named_like_an_experiment_has_another_name():
    model = "x_ana_cab"

    assert MODEL_NAME.fullmatch(model)
    assert DEV.names.pipeline(model) == "dev-x-ana-cab"
    assert DEV.names.experiment_pipeline("ana", "cab") == "x-dev-ana-cab"
