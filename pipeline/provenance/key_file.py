"""A private key in a file of this machine, and a public key in one."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from pipeline import places
from pipeline.errors import ConfigurationError
from pipeline.provenance import public_key
from pipeline.provenance.public_key import KINDS, PublicKey
from settings import REPOSITORY

OTHERS = stat.S_IRWXG | stat.S_IRWXO
LARGEST = 65536  # bytes; a key has some hundred


@dataclass(frozen=True)
class KeyFile:
    """A private key that signs; it was checked when it was read."""

    path: Path
    key: Any  # an Ed25519PrivateKey, or an EllipticCurvePrivateKey on P-256

    def public_key(self) -> PublicKey:
        return PublicKey(self.key.public_key(), places.shown(self.path))

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return bytes(self.key.sign(message))
        algorithm = ec.ECDSA(hashes.SHA256())
        return bytes(self.key.sign(message, algorithm))


def private(path: Path, flag: str) -> KeyFile:
    """The key in an unencrypted PEM; raises ConfigurationError for one that is not kept well."""
    file = path.resolve()
    subject = f"{flag} is {places.shown(path)}"
    if file.is_relative_to(REPOSITORY):
        raise ConfigurationError(
            f"{subject}, in the repository: allowed is a file outside of it, which no commit takes"
        )
    content, mode = _read(path, subject)
    if mode & OTHERS:
        raise ConfigurationError(
            f"{subject}, which others than its owner may use (mode {mode:o}): "
            f"allowed is 600, `chmod 600 {places.shown(path)}`"
        )
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except TypeError as error:
        raise ConfigurationError(
            f"{subject}, which has a password: allowed is a key without one"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"{subject}, which is no private key in PEM: allowed is {KINDS}"
        ) from error
    public_key.allowed(key.public_key(), subject)
    return KeyFile(path, key)


def public(path: Path, flag: str) -> PublicKey:
    """The public key in a PEM; raises ConfigurationError for another file."""
    content, _ = _read(path, f"{flag} is {places.shown(path)}")
    return public_key.of_pem(content, places.shown(path))


def _read(path: Path, subject: str) -> tuple[bytes, int]:
    """The file's content, and its permissions."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            status = os.fstat(file.fileno())
            is_file = stat.S_ISREG(status.st_mode)
            if not is_file or status.st_size > LARGEST:
                raise ConfigurationError(f"{subject}, allowed is a file that holds a key")
            return file.read(LARGEST), stat.S_IMODE(status.st_mode)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"{subject}, which cannot be read: {reason}") from error


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a pipe would be waited for
