"""A key of Cloud KMS: what it answers is checked, and what it refuses is a sentence."""

import base64
import hashlib

import pytest

from environments import DEV
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import clients
from pipeline.gcp.signing_key import SigningKey
from pipeline.gcp.stage import Stage
from tests.standins.google import keys, routes, verbs
from tests.standins.google.faults import Fault
from tests.standins.google.question import ask

VERSION = "projects/mill-dev/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"
MESSAGE = b"a statement"
SIGN = f"kms/v1/{VERSION}:asymmetricSign"


@pytest.fixture
def key(google):
    return SigningKey(Stage(DEV), VERSION)


@pytest.mark.parametrize("algorithm", [keys.P256, keys.ED25519])
def test_a_signature_holds_by_the_public_key(google, key, algorithm):
    google.add_signing_key(VERSION, algorithm)

    signature = key.sign(MESSAGE)

    assert key.public_key().is_signature(signature, MESSAGE)
    assert not key.public_key().is_signature(signature, b"another")


def test_a_key_of_another_algorithm_is_refused(google, key):
    google.add_signing_key(VERSION, "RSA_SIGN_PKCS1_2048_SHA256")

    with pytest.raises(ConfigurationError, match="allowed are EC_SIGN_P256_SHA256 and EC_SIGN_ED"):
        key.public_key()


def test_a_key_that_is_not_there_is_a_sentence(key):
    with pytest.raises(RunError, match=f"the signing key {VERSION} is not there in mill-dev"):
        key.public_key()


@pytest.mark.parametrize("name", ["public_key", "asymmetric_sign"])
@pytest.mark.parametrize("field", ["Crc32c", "name"])
def test_an_answer_that_was_damaged_is_not_taken(google, key, monkeypatch, name, field):
    google.add_signing_key(VERSION)
    answer_of = getattr(keys, name)

    def damaged(store, call):
        answer = answer_of(store, call)
        checksum = "pemCrc32c" if name == "public_key" else "signatureCrc32c"
        return answer | ({"name": f"{VERSION}2"} if field == "name" else {checksum: "1"})

    replace_answer(monkeypatch, name, damaged)

    with pytest.raises(RunError, match="3 answers of Google's were damaged on their way"):
        key.sign(MESSAGE)


def test_a_request_of_which_the_checksum_was_lost_is_not_taken(google, key, monkeypatch):
    google.add_signing_key(VERSION)

    def unverified(store, call):
        answer = keys.asymmetric_sign(store, call)
        return {name: value for name, value in answer.items() if "verified" not in name}

    replace_answer(monkeypatch, "asymmetric_sign", unverified)

    with pytest.raises(RunError, match="damaged on their way"):
        key.sign(MESSAGE)


def replace_answer(monkeypatch, name, answer):
    if name == "public_key":
        monkeypatch.setitem(routes.LISTINGS, ("kms", "publicKey"), answer)
    else:
        monkeypatch.setitem(verbs.VERBS, "asymmetricSign", answer)


def test_google_out_of_reach_is_a_sentence(key, monkeypatch):
    monkeypatch.setattr(clients, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setenv("GOOGLE_KMS_CUSTOM_ENDPOINT", "http://127.0.0.1:9/kms/")

    with pytest.raises(RunError, match=f"the signing key {VERSION}: Google could not be reached"):
        key.public_key()


def test_an_overload_that_lasts_is_a_sentence(google, key, monkeypatch):
    monkeypatch.setattr(clients, "PATIENCE_SECONDS", 0.1)
    google.faults += [Fault("GET", VERSION, 503)] * 50

    with pytest.raises(RunError, match=f"the signing key {VERSION}: "):
        key.public_key()


def test_the_stand_in_refuses_a_wrong_checksum(google):
    google.add_signing_key(VERSION)
    digest = hashlib.sha256(MESSAGE).digest()
    body = {"digest": {"sha256": text(digest)}, "digestCrc32c": 1}

    status, answer = ask(google, "POST", SIGN, body)

    assert status == 400
    assert "did not match" in answer["error"]["message"]


def test_the_stand_in_refuses_data_where_a_digest_is_signed(google):
    google.add_signing_key(VERSION)

    status, _ = ask(google, "POST", SIGN, {"data": text(MESSAGE)})

    assert status == 400


def text(content):
    return base64.b64encode(content).decode()
