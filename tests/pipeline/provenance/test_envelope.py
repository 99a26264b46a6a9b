"""What is signed is verified by the key, by openssl too, and by no other key or text."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.provenance import envelope, key_file
from pipeline.provenance.envelope import SignatureError
from tests.pipeline.provenance.keys import KINDS, openssl, private_key, public_key

PAYLOAD = '{"name": "é"}\n'.encode()
PLACE = "runs/1/provenance.dsse.json"


@pytest.fixture(params=KINDS)
def key(request, tmp_path):
    file = private_key(tmp_path / "key.pem", *KINDS[request.param])
    return key_file.private(file, "--signing-key")


@pytest.fixture
def text(key):
    return envelope.seal(PAYLOAD, key)


def opened(text, key):
    return envelope.opened(text.encode(), key.public_key(), PLACE)


def test_a_sealed_payload_is_opened_by_the_public_key(text, key):
    assert opened(text, key) == PAYLOAD


def test_openssl_verifies_the_signature(text, key, tmp_path):
    fields = json.loads(text)
    [entry] = fields["signatures"]
    payload = base64.b64decode(fields["payload"])
    message, signature = tmp_path / "message", tmp_path / "signature"
    type_ = "application/vnd.in-toto+json"
    message.write_bytes(b"DSSEv1 28 %b %d %b" % (type_.encode(), len(payload), payload))
    signature.write_bytes(base64.b64decode(entry["sig"]))
    public_file = public_key(key.path)

    options = ("-pubin", "-inkey", public_file, "-in", message, "-sigfile", signature, "-rawin")
    output = openssl("pkeyutl", "-verify", *options)

    assert "Verified Successfully" in output


def test_the_key_s_id_is_the_digest_of_its_der(text, key, tmp_path):
    [entry] = json.loads(text)["signatures"]
    der = tmp_path / "key.der"
    openssl("pkey", "-in", key.path, "-pubout", "-outform", "DER", "-out", der)

    output = openssl("dgst", "-sha256", "-r", der)

    assert output.startswith(entry["keyid"])


def test_another_key_s_signature_is_refused_in_a_sentence(text, tmp_path):
    file = private_key(tmp_path / "other.pem", *KINDS["Ed25519"])
    other_key = key_file.private(file, "--signing-key")

    with pytest.raises(SignatureError, match="signed by another key or altered since"):
        opened(text, other_key)


def test_an_altered_payload_is_refused(text, key):
    fields = json.loads(text)
    altered = PAYLOAD.replace(b"name", b"nome")
    fields["payload"] = base64.b64encode(altered).decode()

    with pytest.raises(SignatureError, match="altered since"):
        opened(json.dumps(fields), key)


def test_a_signature_of_another_kind_of_text_is_refused(text, key):
    fields = {**json.loads(text), "payloadType": "text/plain"}

    with pytest.raises(SignatureError, match="payloadType is 'text/plain', allowed is application"):
        opened(json.dumps(fields), key)


def test_an_envelope_without_a_signature_is_refused(text, key):
    fields = {**json.loads(text), "signatures": []}

    with pytest.raises(SignatureError, match="no signature of it is by the key"):
        opened(json.dumps(fields), key)


def test_one_right_signature_among_others_is_enough(text, key):
    fields = json.loads(text)
    [entry] = fields["signatures"]
    fields["signatures"] = [{"keyid": "", "sig": "AAAA"}, entry]

    assert opened(json.dumps(fields), key) == PAYLOAD


def test_base64_for_urls_is_read_too(text, key):
    fields = json.loads(text)
    [entry] = fields["signatures"]
    entry["sig"] = entry["sig"].replace("+", "-").replace("/", "_")

    assert opened(json.dumps(fields), key) == PAYLOAD


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
FIELDS = st.fixed_dictionaries(
    {}, optional={"payload": JSON, "payloadType": JSON, "signatures": JSON}
)


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    file = private_key(tmp_path_factory.mktemp("keys") / "key.pem", *KINDS["Ed25519"])
    return key_file.public(public_key(file), "--public-key")


@given(st.binary() | st.builds(lambda fields: json.dumps(fields).encode(), FIELDS | JSON))
def test_no_other_text_is_opened(public, text):
    with pytest.raises(SignatureError, match=f"^{PLACE}: "):
        envelope.opened(text, public, PLACE)
