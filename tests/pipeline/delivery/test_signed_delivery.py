"""A stage with a signing key releases, refreshes and promotes only what its key has signed."""

import json
from dataclasses import replace

import pytest

from pipeline.delivery import promotion, record_object, releases, withdrawal
from pipeline.delivery.rollout import Rollout
from pipeline.errors import RunError
from pipeline.gcp.stage import Stage
from pipeline.provenance import envelope, stage_bucket, statement
from pipeline.provenance.envelope import SignatureError
from tests.pipeline.delivery import stored_models
from tests.pipeline.delivery.conftest import (
    DEV,
    FIRST,
    STAGING,
    WARM,
    add_delivery,
    edit_record,
    recorded_cab,
)
from tests.pipeline.delivery.deliveries import deliver
from tests.pipeline.delivery.stored_models import push_stored, store_model

VERSION = (
    "projects/mill-dev/locations/global/keyRings/models/cryptoKeys/provenance/cryptoKeyVersions/1"
)
SIGNING = replace(WARM, signing_key=VERSION)
RUN = "projects/1/locations/us-central1/pipelineJobs/dev-cab-1"
USE, VIEW = "cloudkms.cryptoKeyVersions.useToSign", "cloudkms.cryptoKeyVersions.viewPublicKey"
SILENT = lambda *_: None  # noqa: E731
NOTHING_PROVES = "cab: dev has a signing_key, and nothing proves what made the model: "
TRAINING = {
    "seed": 7,
    "deterministic_operations": True,
    "cpu": "a processor",
    "cpus": 2,
    "threads": {},
    "flags": {},
}
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(params=["EC_SIGN_P256_SHA256", "EC_SIGN_ED25519"])
def key(request, google):
    google.add_signing_key(VERSION, request.param)


@pytest.fixture
def signing():
    return Stage(SIGNING)


@pytest.fixture
def model(pipelines, warm, monkeypatch):
    """The model that the next run trains, in dev's bucket.

    Its report counts no parameters: the index of its variables would be read.
    """
    monkeypatch.delitem(stored_models.FILES, "variables/variables.index")
    model = store_model(warm, "new")
    pipelines.details = details(model, "dev-cab-0123")
    pipelines.models = [model]
    return model


def details(model, run):
    data, trainer = model.details()
    [artifact] = trainer["outputs"]["model"]["artifacts"]
    artifact["metadata"]["training"] = json.dumps({"run": run, **TRAINING})
    return [data, trainer]


def sign(stage, model, run=RUN):
    """Write the run's statement and its envelope, as a delivery does; return the statement."""
    text = write_statement(stage, model, run)
    key = stage_bucket.SigningKey(stage, VERSION)
    write(stage, envelope.NAME, envelope.seal(text.encode(), key), run)
    return text


def write(stage, name, text, run=RUN):
    stage.artifacts.blob(f"{stage_bucket.folder('cab', run)}/{name}").upload_from_string(text)


def check(stage, model):
    stage_bucket.check(stage, "cab", RUN, model.digest)


def test_a_signed_delivery_serves_and_leaves_its_statement(key, model, commit, signing):
    [verdict] = deliver(commit, settings=SIGNING)

    assert verdict.state == "delivered", verdict.reason
    names = [blob.name for blob in signing.artifacts.list_blobs(prefix="reports/")]
    assert {statement.NAME, envelope.NAME} <= {name.rpartition("/")[2] for name in names}


def test_a_stage_without_a_key_states_and_does_not_sign(model, commit, warm):
    [verdict] = deliver(commit)

    names = [blob.name for blob in warm.artifacts.list_blobs(prefix="reports/")]
    files = {name.rpartition("/")[2] for name in names}
    assert verdict.state == "delivered"
    assert statement.NAME in files
    assert envelope.NAME not in files


def test_a_key_that_refuses_ends_the_delivery_before_any_traffic(
    google, key, model, served, commit, endpoint, signing, capsys
):
    google.withhold(VERSION, USE)
    record = record_object.read(signing)

    [verdict] = deliver(commit, settings=SIGNING)

    assert verdict.state == "failed"
    assert verdict.reason.startswith(NOTHING_PROVES)
    assert "provenance.dsse.json is missing: the run was not signed" in verdict.reason
    assert f"the signing key {VERSION}: Google refuses it" in capsys.readouterr().err
    assert endpoint.shares() == served
    assert record_object.read(signing) == record


def test_a_cached_model_has_the_statement_of_the_run_that_made_it(model, commit, warm):
    maker_text = write_statement(warm, model, "dev-cab-0123")

    deliver(commit)

    [*_, blob] = [
        blob
        for blob in warm.artifacts.list_blobs(prefix="reports/")
        if blob.name.endswith(statement.NAME) and "dev-cab-0123/" not in blob.name
    ]
    assert blob.download_as_text() == maker_text


def write_statement(stage, model, run):
    """Write the statement of the run; return it."""
    content = {
        "_type": statement.TYPE,
        "predicateType": statement.PREDICATE,
        "subject": [{"digest": {"sha256": model.digest}}],
    }
    text = statement.encode(content)
    write(stage, statement.NAME, text, run)
    return text


@pytest.fixture
def stored(google, warm):
    return store_model(warm, "stored")


def test_what_was_signed_is_taken(key, signing, stored):
    sign(signing, stored)

    check(signing, stored)


def forget(google, stage, text):
    stage.artifacts.delete_blob(f"{stage_bucket.folder('cab', RUN)}/{envelope.NAME}")


def alter(google, stage, text):
    write(stage, statement.NAME, text.replace("subject", "object"))


def scramble(google, stage, text):
    write(stage, envelope.NAME, "words")


def disable(google, stage, text):
    google.change("kms", VERSION, state="DISABLED")


def withhold(google, stage, text):
    google.withhold(VERSION, VIEW)


REFUSALS = {
    "missing": (forget, SignatureError, "is missing: the run was not signed"),
    "altered": (alter, SignatureError, "provenance.json is not what was signed beside it"),
    "no envelope": (scramble, SignatureError, "provenance.dsse.json: this is no DSSE envelope"),
    "disabled": (disable, RunError, "is not enabled, current state is: DISABLED"),
    "denied": (withhold, RunError, f"{VERSION}: Google refuses it in mill-dev"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_is_not_proven_is_refused_in_a_sentence(google, key, signing, stored, refusal):
    text = sign(signing, stored)
    spoil, kind, complaint = REFUSALS[refusal]
    spoil(google, signing, text)

    with pytest.raises(kind, match=complaint) as error:
        check(signing, stored)

    assert len(str(error.value).splitlines()) == 1


def test_another_key_s_signature_is_refused(google, key, signing, stored):
    sign(signing, stored)
    google.change("kms", VERSION, private=None)

    with pytest.raises(SignatureError, match="signed by another key or altered since"):
        check(signing, stored)


def test_another_model_s_statement_is_refused(key, signing, stored, warm):
    other_model = store_model(warm, "other")
    sign(signing, other_model)

    with pytest.raises(SignatureError, match=f"signed is the model {other_model.digest[:12]}"):
        check(signing, stored)


def test_a_model_from_before_digests_is_refused(key, signing):
    with pytest.raises(SignatureError, match="it is older than digests"):
        stage_bucket.check(signing, "cab", RUN, None)


@pytest.fixture
def delivered(key, warm, endpoint, images, google):
    """Versions 1 and 2 by their models, neither of them signed; the newer has all the traffic."""
    models = {name: store_model(warm, name) for name in ("1", "2")}
    ids = {name: push_stored(model, images) for name, model in models.items()}
    endpoint.split({ids["2"]: 100})
    for name, model in models.items():
        fields = {"registry_version": name, "deployed_model": ids[name], "images": images}
        digests = {"model_digest": model.digest, "data_digest": None}
        add_delivery(warm, "cab", replace(FIRST, commit=name * 40, **fields, **digests))
    edit_record(warm, images=images)
    return models


def test_a_refresh_of_what_is_not_signed_registers_nothing(google, delivered, signing, images):
    image = DEV.names.image("serving")
    digest = google.registry.put_image(image, revision="c" * 40, tag="newer")
    edit_record(signing, images=replace(images, serving=digest))

    with pytest.raises(SignatureError, match="the run was not signed"):
        releases.refresh(signing, "cab", SILENT)

    registry = signing.vertex.models.ModelRegistry(signing.names.registered_model("cab"))
    assert len(list(registry.list_versions())) == 2


def test_a_rollback_is_never_refused_for_a_missing_signature(delivered, signing, endpoint):
    withdrawal.rollback(signing, "cab", SILENT)

    assert endpoint.shares() == {endpoint.deployed()["1"]: 100}
    assert recorded_cab(signing).current.registry_version == "1"


def test_a_promotion_of_what_is_not_signed_is_refused(delivered, signing, commit):
    source_delivery = replace(recorded_cab(signing).current, commit=commit)
    add_delivery(signing, "cab", source_delivery)
    rollout = Rollout(Stage(STAGING), signing, (), commit, SILENT)

    with pytest.raises(SignatureError, match=f"^{NOTHING_PROVES}.*the run was not signed"):
        promotion.promote(rollout, signing, ["cab"])
