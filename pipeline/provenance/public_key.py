"""A public key of the two kinds that sign here: Ed25519, and ECDSA on P-256 with SHA-256."""

import hashlib
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from pipeline.errors import ConfigurationError

KINDS = "an Ed25519 key or an ECDSA key on P-256"


@dataclass(frozen=True)
class PublicKey:
    key: Any  # an Ed25519PublicKey, or an EllipticCurvePublicKey on P-256
    origin: str  # the file or the resource, for a sentence

    @property
    def id(self) -> str:
        """The SHA-256 of the key in DER, as `openssl pkey -pubout -outform DER` writes it."""
        der = self.key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hashlib.sha256(der).hexdigest()

    def is_signature(self, signature: bytes, message: bytes) -> bool:
        try:
            if isinstance(self.key, ed25519.Ed25519PublicKey):
                self.key.verify(signature, message)
            else:
                self.key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


def of_pem(pem: bytes, origin: str) -> PublicKey:
    """The key; raises ConfigurationError for another text or another kind of key."""
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"{origin}: this is no public key in PEM, allowed is {KINDS}"
        ) from error
    return PublicKey(allowed(key, origin), origin)


def allowed(key: object, origin: str) -> object:
    """The key itself; raises ConfigurationError for one of another kind."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ConfigurationError(f"{origin} holds {type(key).__name__.strip('_')}, allowed is {KINDS}")
