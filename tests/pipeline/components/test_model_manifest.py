"""One byte flipped, one file added, one removed: each is named at each node, and goes no further.

An address with `file://` is read as a bucket's is: by TensorFlow's streams.
"""

import os
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf
from tfx.types import standard_artifacts
from tfx.utils import json_utils

from environments import DEV
from pipeline import manifest
from pipeline.components import artifacts, model_manifest, pusher, vertex_pusher
from pipeline.errors import RunError
from pipeline.gcp.clients import vertex
from pipeline.spec import VertexDestination
from tests.pipeline import tiny_model

DESTINATION = VertexDestination(
    project=DEV.project_id,
    region=DEV.region,
    endpoint=DEV.names.endpoint("cab"),
    registered_model=DEV.names.registered_model("cab"),
    serving_image="us-docker.pkg.dev/p/images/serving@sha256:" + "0" * 64,
    machine_type="n1-standard-2",
    min_replicas=1,
    max_replicas=2,
    service_account=DEV.names.service_account_email("server"),
)


@pytest.fixture
def folder(tmp_path):
    """The exported model of a Trainer's artifact."""
    folder = tmp_path / "Trainer/model/1/Format-Serving"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables/data").write_bytes(b"weights")
    return folder


def trained(uri):
    """The model as the Trainer's node leaves it."""
    artifact = standard_artifacts.Model()
    artifact.uri = uri
    digest = model_manifest.write(f"{uri}/Format-Serving")
    artifact.set_string_custom_property("digest", digest)
    return artifact


@pytest.fixture(params=["", "file://"], ids=["here", "streamed"])
def model(request, folder):
    return trained(f"{request.param}{folder.parent}")


@pytest.fixture
def streamed_model(folder):
    return trained(f"file://{folder.parent}")


def flip(folder):
    (folder / "variables/data").write_bytes(b"weightt")


def add(folder):
    (folder / "variables/more").write_bytes(b"x")


def remove(folder):
    (folder / "variables/data").unlink()


def forget(folder):
    manifest.inside(folder).unlink()


def damage(folder):
    file = manifest.inside(folder)
    content = bytearray(file.read_bytes())
    content[5] |= 0x80  # no UTF-8 any more
    file.write_bytes(content)


def renew(folder):
    """Change a file and the manifest with it."""
    flip(folder)
    manifest.write(folder, manifest.inside(folder))


CHANGES = {
    "flipped": (flip, "variables/data has another content than it was made with"),
    "added": (add, "variables/more was added"),
    "removed": (remove, "variables/data is missing"),
    "no manifest": (forget, "manifest.json is missing"),
    "damaged manifest": (damage, "manifest.json is no manifest"),
    "renewed manifest": (renew, "manifest.json has the digest "),
}
changes = pytest.mark.parametrize(("change", "problem"), CHANGES.values(), ids=CHANGES)


def blessing(type_, digest):
    artifact = type_()
    artifact.set_int_custom_property("blessed", 1)
    if digest:
        artifact.set_string_custom_property("digest", digest)
    return artifact


def pushed(model, digest):
    """The Pushers' inputs, with both blessings of this digest."""
    baseline = artifacts.Baseline()
    baseline.set_string_custom_property("problem", "there are no held-out rows")
    return {
        "model": [model],
        "model_blessing": [blessing(standard_artifacts.ModelBlessing, digest)],
        "infra_blessing": [blessing(standard_artifacts.InfraBlessing, digest)],
        "baseline": [baseline],
    }


def push_here(inputs, published):
    config = json_utils.dumps({"folder": str(published)})
    outputs = {"pushed_model": [standard_artifacts.PushedModel()]}
    pusher.Executor().Do(inputs, outputs, {"custom_config": config})


def push_on_vertex(inputs):
    config = json_utils.dumps({"destination": asdict(DESTINATION)})
    outputs = {"pushed_model": [standard_artifacts.PushedModel()]}
    vertex_pusher.Executor().Do(inputs, outputs, {"custom_config": config})


@pytest.fixture
def google(google):
    """Google's APIs, with the endpoint of cab."""
    client = vertex(DEV.project_id, DEV.region)
    client.Endpoint.create(display_name="dev-cab", endpoint_id=DESTINATION.endpoint)
    return google


def test_the_digest_of_a_stream_is_that_of_the_files(model, folder):
    digest = model.get_string_custom_property("digest")

    assert digest == manifest.of(folder).digest
    assert manifest.read(manifest.inside(folder)).digest == digest


def test_a_judge_s_blessing_names_the_digest(model):
    judgement = standard_artifacts.InfraBlessing()

    with model_manifest.judged(model, judgement):
        pass

    digest = judgement.get_string_custom_property("digest")
    assert digest == model.get_string_custom_property("digest")


@changes
def test_a_model_changed_before_it_is_judged_is_not_judged(change, problem, model, folder):
    judgement = standard_artifacts.InfraBlessing()
    steps = []
    change(folder)

    with pytest.raises(RunError) as error, model_manifest.judged(model, judgement):
        steps.append("judged")

    assert problem in str(error.value)
    assert steps == []
    assert not judgement.has_custom_property("digest")


@changes
def test_a_model_changed_while_it_is_judged_gets_no_blessing(change, problem, model, folder):
    judgement = standard_artifacts.InfraBlessing()

    with pytest.raises(RunError) as error, model_manifest.judged(model, judgement):
        change(folder)

    assert problem in str(error.value)
    assert not judgement.has_custom_property("digest")


@changes
def test_a_model_changed_after_its_judgement_is_not_published(
    change, problem, model, folder, tmp_path
):
    digest = model.get_string_custom_property("digest")
    model.uri = str(folder.parent)
    published = tmp_path / "published"
    (published / "1").mkdir(parents=True)
    change(folder)
    manifest.write(folder.parent, manifest.beside(folder.parent))

    with pytest.raises(RunError) as error:
        push_here(pushed(model, digest), published)

    assert problem in str(error.value)
    assert [path.name for path in published.iterdir()] == ["1"]


@changes
def test_a_model_changed_after_its_judgement_is_not_registered(
    change, problem, model, folder, google
):
    digest = model.get_string_custom_property("digest")
    objects = dict(google.objects)
    change(folder)

    with pytest.raises(RunError) as error:
        push_on_vertex(pushed(model, digest))

    assert problem in str(error.value)
    assert dict(google.objects) == objects


def test_a_model_changed_while_it_is_copied_is_not_published(folder, tmp_path):
    digest = manifest.of(folder).digest
    published = tmp_path / "published"
    flip(folder)

    with pytest.raises(RunError, match="the model was changed while it was copied"):
        pusher.publish(folder, published, None, digest)

    assert list(published.iterdir()) == []


@pytest.mark.parametrize("blessed_digest", ["0" * 64, None])
def test_a_blessing_of_another_digest_publishes_nothing(blessed_digest, model):
    inputs = pushed(model, blessed_digest)
    blessings = [*inputs["model_blessing"], *inputs["infra_blessing"]]

    with pytest.raises(RunError, match="is not what ModelBlessing judged"):
        model_manifest.blessed(model, blessings)


def test_a_model_from_before_manifests_is_judged_and_published(model, folder):
    forget(folder)
    model = standard_artifacts.Model()
    model.uri = str(folder.parent)
    inputs = pushed(model, None)

    digest = model_manifest.blessed(model, inputs["model_blessing"])

    assert digest is None


@pytest.fixture
def baseline(tmp_path):
    """The Baseline's artifact."""
    artifact = artifacts.Baseline()
    artifact.uri = str(tmp_path / "Baseline")
    (tmp_path / "Baseline").mkdir()
    (tmp_path / "Baseline/baseline.json").write_text("rows")
    return artifact


@pytest.fixture
def registered(monkeypatch, folder) -> list[manifest.Manifest]:
    """The manifest of the model's folder as each registered version found it."""
    manifests = []

    def push(uri, destination, digest):
        manifests.append(manifest.read(manifest.inside(folder)))
        return SimpleNamespace(resource_name="models/cab", version_id="1"), True

    monkeypatch.setattr(vertex_pusher, "push", push)
    return manifests


def test_on_vertex_the_baseline_is_in_the_manifest_before_the_version_is_there(
    registered, streamed_model, folder, baseline
):
    digest = streamed_model.get_string_custom_property("digest")

    push_on_vertex(pushed(streamed_model, digest) | {"baseline": [baseline]})

    [written] = registered
    assert (folder / "baseline.json").read_text() == "rows"
    assert "baseline.json" in written.files
    assert written.digest == digest
    assert manifest.problem(folder, manifest.inside(folder)) is None


def test_a_repeated_model_gets_the_baseline_of_the_last_run(
    registered, streamed_model, folder, baseline, tmp_path
):
    digest = streamed_model.get_string_custom_property("digest")
    push_on_vertex(pushed(streamed_model, digest) | {"baseline": [baseline]})
    (tmp_path / "Baseline/baseline.json").write_text("with another limit")

    push_on_vertex(pushed(streamed_model, digest) | {"baseline": [baseline]})

    assert (folder / "baseline.json").read_text() == "with another limit"
    assert manifest.problem(folder, manifest.inside(folder)) is None


def test_a_baseline_that_is_there_already_is_left_alone(folder, baseline):
    model_manifest.write(str(folder))
    file = f"{baseline.uri}/baseline.json"
    model_manifest.complete(str(folder), file)
    files = (folder / "baseline.json", manifest.inside(folder))
    for path in files:
        os.utime(path, ns=(0, 0))

    model_manifest.complete(str(folder), file)

    assert [path.stat().st_mtime_ns for path in files] == [0, 0]


def test_a_baseline_is_replaced_and_never_missing(folder, baseline, monkeypatch):
    model_manifest.write(str(folder))
    file = f"{baseline.uri}/baseline.json"
    model_manifest.complete(str(folder), file)
    (Path(baseline.uri) / "baseline.json").write_text("with another limit")
    removed = []
    monkeypatch.setattr(tf.io.gfile, "remove", removed.append)

    model_manifest.complete(str(folder), file)

    assert (folder / "baseline.json").read_text() == "with another limit"
    assert removed == []


CHANGED_BASELINES = {
    "flipped": (lambda file: file.write_text("rowt"), "has another content than it was made with"),
    "removed": (lambda file: file.unlink(), "is missing"),
}


@pytest.mark.parametrize(("change", "problem"), CHANGED_BASELINES.values(), ids=CHANGED_BASELINES)
def test_a_changed_baseline_is_named_after_the_pusher_and_mended_by_the_next_one(
    registered, streamed_model, folder, baseline, change, problem
):
    digest = streamed_model.get_string_custom_property("digest")
    push_on_vertex(pushed(streamed_model, digest) | {"baseline": [baseline]})
    change(folder / "baseline.json")

    named = manifest.problem(folder, manifest.inside(folder))
    push_on_vertex(pushed(streamed_model, digest) | {"baseline": [baseline]})

    assert named == f"baseline.json {problem}"
    assert manifest.problem(folder, manifest.inside(folder)) is None


def test_a_model_from_before_manifests_gets_its_baseline_and_no_manifest(folder, baseline):
    model_manifest.complete(str(folder), f"{baseline.uri}/baseline.json")

    assert (folder / "baseline.json").read_text() == "rows"
    assert not manifest.inside(folder).exists()


def test_tensorflow_loads_a_model_with_its_manifest_inside(tmp_path):
    artifact = tiny_model.export(tmp_path / "model", lambda columns: columns["x"])
    model_manifest.write(f"{artifact}/Format-Serving")

    loaded = tf.saved_model.load(f"{artifact}/Format-Serving")

    assert sorted(loaded.signatures) == ["serving_default", "transform_features"]
