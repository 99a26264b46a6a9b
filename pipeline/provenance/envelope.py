"""Signs and checks a text: DSSE's envelope around it.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md says what is signed, envelope.md
beside it how an envelope looks.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Protocol

from pipeline.errors import RunError
from pipeline.provenance.public_key import PublicKey

NAME = "provenance.dsse.json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
URL_SAFE = str.maketrans("-_", "+/")


class Signer(Protocol):
    """A private key, wherever it lies; each method raises RunError with a sentence."""

    def public_key(self) -> PublicKey: ...

    def sign(self, message: bytes) -> bytes: ...


class SignatureError(RunError):
    """A signature that is missing or not the key's."""


@dataclass(frozen=True)
class Envelope:
    payload: bytes
    signatures: list[bytes]


def seal(payload: bytes, signer: Signer) -> str:
    """The payload in an envelope, whose signature holds by the signer's own public key."""
    key = signer.public_key()
    message = encoded(payload)
    signature = signer.sign(message)
    if not key.is_signature(signature, message):
        raise RunError(f"{key.origin}: the signature does not hold by its own public key")
    entry = {"keyid": key.id, "sig": _base64(signature)}
    envelope = {
        "payload": _base64(payload),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [entry],
    }
    text = json.dumps(envelope, indent=2)
    return f"{text}\n"


def opened(text: bytes, key: PublicKey, place: str) -> bytes:
    """The signed payload; raises SignatureError where no signature is the key's."""
    envelope = _decode(text, place)
    message = encoded(envelope.payload)
    if not any(key.is_signature(signature, message) for signature in envelope.signatures):
        raise SignatureError(
            f"{place}: no signature of it is by the key {key.id[:12]} of {key.origin}, "
            "so that it was signed by another key or altered since"
        )
    return envelope.payload


def encoded(payload: bytes) -> bytes:
    """What is signed: the payload and its type, each behind its length."""
    type_ = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(type_), type_, len(payload), payload)


def _decode(text: bytes, place: str) -> Envelope:
    try:
        envelope = json.loads(text)
        type_ = envelope["payloadType"]
        payload = _unbase64(envelope["payload"])
        signatures = [_unbase64(entry["sig"]) for entry in envelope["signatures"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SignatureError(f"{place}: this is no DSSE envelope") from error
    if type_ != PAYLOAD_TYPE:
        raise SignatureError(
            f"{place}: its payloadType is {type_!r:.60}, allowed is {PAYLOAD_TYPE}"
        )
    return Envelope(payload, signatures)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _unbase64(text: str) -> bytes:
    """Either alphabet of base64 may be used, and both must be read."""
    try:
        return base64.b64decode(text.translate(URL_SAFE), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
