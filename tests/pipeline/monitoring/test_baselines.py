"""The baseline of a served version is found where its Pusher put it, here and in a stage."""

import json

import pytest

from environments import DEV
from pipeline.baseline import content
from pipeline.baseline.content import Baseline, Bins, Blocks, Calibration, Column
from pipeline.baseline.profile import ColumnCounts, Profile
from pipeline.components import vertex_pusher
from pipeline.errors import RunError
from pipeline.gcp.stage import Stage
from pipeline.monitoring import baselines
from pipeline.spec import destination
from tests.standins import object_store

IMAGE = "us-central1-docker.pkg.dev/p/r/serving@sha256:" + "0123456789abcdef" * 4
BUCKET = "mill-dev-dev-artifacts"
RUN = "pipelines/dev-cab/1/dev-cab-1/Trainer_7"
MODEL = f"gs://{BUCKET}/{RUN}/model/Format-Serving"
BASELINE = Baseline(
    model="cab",
    digest="0" * 64,
    schema={"fare": "FLOAT"},
    columns={
        "fare": Column(
            bins=Bins(kind="number", edges=(5.0,)), limit=0.01, share_limit=0.03, largest_share=0.1
        )
    },
    reference=Profile(
        instances=20,
        requests=20,
        request_squares=20,
        columns={"fare": ColumnCounts(bins=(10, 10))},
        scores=(20, *[0] * 49),
    ),
    calibration=Calibration(rows=(20, *[0] * 49), positives=(3, *[0] * 49)),
    blocks=Blocks(days=7, count=0),
    scale=1.0,
    false_alarms_a_year=1.0,
    window_days=7,
)
CONTENT = content.encode(BASELINE)


@pytest.fixture
def published(tmp_path):
    """A folder with version 17 and its baseline, and version 16 from before."""
    for version in ("16", "17"):
        (tmp_path / version).mkdir()
    (tmp_path / "17/baseline.json").write_bytes(CONTENT)
    return tmp_path


@pytest.fixture
def bucket(monkeypatch):
    with object_store.serving() as store:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", store.url)
        stage = Stage(DEV)
        stage.artifacts.create()
        yield stage.artifacts


@pytest.fixture
def dev(google, bucket):
    """A stage with an endpoint for the model."""
    stage = Stage(DEV)
    id_ = DEV.names.endpoint("cab")
    stage.vertex.Endpoint.create(display_name="cab", endpoint_id=id_)
    return stage


def register(uri=MODEL, image=IMAGE):
    """Push the model at `uri` as a run does; its version."""
    version, _ = vertex_pusher.push(uri, destination(DEV, "cab", image))
    return version.version_id


def put(bucket, content_):
    bucket.blob(f"{RUN}/model/Format-Serving/baseline.json").upload_from_string(content_)


def test_a_published_version_has_its_baseline_inside(published):
    assert baselines.here(published, "17") == BASELINE


@pytest.mark.parametrize("version", ["16", "18"])
def test_a_version_from_before_or_none_at_all_has_no_baseline(published, version):
    assert baselines.here(published, version) is None


DAMAGED = {
    "half of it": (CONTENT[:100], "is no baseline: train the model again"),
    "another file": (b'{"version": 1}', "is no baseline: train the model again"),
    "no text": (b"\xff\xfe\x00", "is no baseline: train the model again"),
    "levels": (b"[" * 100_000, "is no baseline: train the model again"),
    "a newer one": (
        json.dumps({"version": 2}).encode(),
        "is of version 2, allowed is 1: a newer commit wrote it, go on from that one",
    ),
}


@pytest.mark.parametrize(("damaged", "sentence"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_one_is_named_here(published, damaged, sentence):
    file = published / "17/baseline.json"
    file.write_bytes(damaged)

    with pytest.raises(RunError) as error:
        baselines.here(published, "17")

    assert str(error.value) == f"{file} {sentence}"


@pytest.mark.parametrize(("damaged", "sentence"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_one_is_named_there(dev, bucket, damaged, sentence):
    version = register()
    put(bucket, damaged)

    with pytest.raises(RunError) as error:
        baselines.there(dev, "cab", version)

    assert str(error.value) == f"{MODEL}/baseline.json {sentence}"


def test_one_that_cannot_be_read_is_a_sentence(published):
    file = published / "17/baseline.json"
    file.unlink()
    file.mkdir()

    with pytest.raises(RunError, match=r"17/baseline.json cannot be read \(Is a directory\)"):
        baselines.here(published, "17")


def test_a_registered_version_has_its_baseline_in_the_models_folder(dev, bucket):
    version = register()
    put(bucket, CONTENT)

    assert baselines.there(dev, "cab", version) == BASELINE


def test_a_refreshed_version_has_that_of_its_model(dev, bucket):
    register()
    put(bucket, CONTENT)
    refreshed = register(image=IMAGE.replace("0", "f"))

    assert refreshed == "2"
    assert baselines.there(dev, "cab", refreshed) == BASELINE


def test_a_version_of_a_run_from_before_has_none(dev, bucket):
    version = register()

    assert baselines.there(dev, "cab", version) is None


def test_a_version_that_somebody_else_registered_has_none(dev):
    version = register("gs://elsewhere/model")

    assert baselines.there(dev, "cab", version) is None


def test_a_version_that_is_not_there_is_a_sentence(dev):
    register()

    with pytest.raises(RunError, match="version 9 of cab is not there in"):
        baselines.there(dev, "cab", "9")
