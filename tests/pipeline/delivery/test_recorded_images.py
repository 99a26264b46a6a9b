"""A tag keeps a record's images, and goes once no record names them."""

import json
from dataclasses import replace

import pytest

from pipeline.delivery import record_object
from tests.pipeline.delivery.conftest import DEV, WARM, edit_record
from tests.pipeline.delivery.deliveries import deliver
from tests.standins.google.faults import Fault

NAME = DEV.names.image("worker").partition("/")[2]
TAG = f"recorded-{'a' * 12}"
ON_DATAFLOW = replace(WARM, beam_engine="dataflow")
pytestmark = pytest.mark.usefixtures("quick")


def test_an_image_that_the_record_names_no_more_loses_its_tag(google, pipelines, commit, warm):
    digest = google.registry.put_image(NAME, revision="f" * 40, tag=TAG)
    google.registry.put_image(NAME, revision="f" * 40, tag="another")
    google.registry.page_size = 1

    deliver(commit)

    recorded_digest = record_object.read(warm).images.worker
    assert google.registry.tags_of(NAME, digest) == []
    assert f"recorded-{recorded_digest[7:19]}" in google.registry.tags_of(NAME, recorded_digest)
    assert (NAME, "another") in google.registry.tags


def test_a_tag_that_the_registry_does_not_give_up_fails_no_delivery(
    google, pipelines, commit, capsys
):
    google.registry.put_image(NAME, revision="f" * 40, tag=TAG)
    google.faults.append(Fault("DELETE", f"/v2/{NAME}/manifests/{TAG}", 403))

    [verdict] = deliver(commit)

    output = capsys.readouterr()
    assert verdict.state == "delivered"
    assert f"worker:{TAG} stays as it is" in output.err


def test_dataflow_runs_the_worker_of_the_same_build(google, pipelines, commit, warm):
    deliver(commit, settings=ON_DATAFLOW)

    [job] = pipelines.jobs
    digest = record_object.read(warm).images.worker
    argument = f"--sdk_container_image={DEV.names.image('worker')}@{digest}"
    assert argument in json.dumps(job["pipelineSpec"])


def test_images_from_before_there_was_a_worker_are_refused_on_dataflow(
    google, pipelines, commit, warm
):
    deliver(commit)
    record = record_object.read(warm)
    old_images = replace(record.images, worker=None)
    edit_record(warm, images=old_images, models={})

    [verdict] = deliver(commit, tag=None, settings=ON_DATAFLOW)

    assert verdict.state == "failed"
    assert "beam_engine of dev is 'dataflow', and these images were built without a worker" in (
        verdict.reason
    )


def test_tags_that_cannot_be_listed_fail_no_delivery(google, pipelines, commit, capsys):
    google.faults.append(Fault("GET", f"/v2/{NAME}/tags/list", 403))

    [verdict] = deliver(commit)

    output = capsys.readouterr()
    assert verdict.state == "delivered"
    assert "the images' tags stay as they are" in output.err
