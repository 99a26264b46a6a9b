"""A key version of Cloud KMS that signs; its private part never leaves Google.

https://docs.cloud.google.com/kms/docs/create-validate-signatures says how it is asked, and
https://docs.cloud.google.com/kms/docs/data-integrity-guidelines why each answer is checked.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import google_crc32c

from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp.clients import ANSWER_SECONDS, patiently
from pipeline.gcp.stage import Stage
from pipeline.provenance import public_key
from pipeline.provenance.public_key import PublicKey

ALGORITHMS = ("EC_SIGN_P256_SHA256", "EC_SIGN_ED25519")
TRIES = 3  # of an answer that is damaged on its way


class SigningKey:
    """The stage's key version; asks with the stage's credentials."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._stage, self._name = stage, name
        self._algorithm = ""

    def public_key(self) -> PublicKey:
        """Raises ConfigurationError for a key of an algorithm that is not for signing here."""
        for _ in range(TRIES):
            with self._asking():
                answer = patiently(self._ask_for_public_key)
            pem = answer.pem.encode()
            if answer.name == self._name and answer.pem_crc32c == google_crc32c.value(pem):
                break
        else:
            raise self._damaged()
        self._algorithm = answer.algorithm.name
        if self._algorithm not in ALGORITHMS:
            raise ConfigurationError(
                f"signing_key of {self._stage.name} is of the algorithm {self._algorithm}, "
                f"allowed are {' and '.join(ALGORITHMS)}"
            )
        return public_key.of_pem(pem, self._name)

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signs the message itself, ECDSA its digest."""
        if not self._algorithm:
            self.public_key()
        request, verified = self._request(message)
        for _ in range(TRIES):
            with self._asking():
                answer = patiently(lambda: self._ask_to_sign(request))
            signature = bytes(answer.signature)
            is_whole = answer.signature_crc32c == google_crc32c.value(signature)
            if is_whole and answer.name == self._name and getattr(answer, verified):
                return signature
        raise self._damaged()

    def _request(self, message: bytes) -> tuple[dict[str, Any], str]:
        """What is sent, and the answer's field that says that it arrived whole."""
        if self._algorithm == "EC_SIGN_ED25519":
            crc = google_crc32c.value(message)
            return {"name": self._name, "data": message, "data_crc32c": crc}, "verified_data_crc32c"
        digest = hashlib.sha256(message).digest()
        crc = google_crc32c.value(digest)
        request = {"name": self._name, "digest": {"sha256": digest}, "digest_crc32c": crc}
        return request, "verified_digest_crc32c"

    def _ask_for_public_key(self) -> Any:
        request = {"name": self._name}
        return self._stage.kms.get_public_key(request=request, retry=None, timeout=ANSWER_SECONDS)

    def _ask_to_sign(self, request: dict[str, Any]) -> Any:
        return self._stage.kms.asymmetric_sign(request=request, retry=None, timeout=ANSWER_SECONDS)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        with self._stage.asking(f"the signing key {self._name}"):
            yield

    def _damaged(self) -> RunError:
        return RunError(
            f"the signing key {self._name}: {TRIES} answers of Google's were damaged on their way"
        )
