"""Cloud KMS's keys for signing, and what it answers of them.

https://docs.cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys.cryptoKeyVersions
has the methods asymmetricSign and getPublicKey. A version that is not enabled refuses both, in the
words of https://github.com/hashicorp/terraform-provider-google/issues/5895.
"""

import base64
import hashlib
from typing import Any

from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body, Call, Key, Store

PRODUCT = "kms"
P256, ED25519 = "EC_SIGN_P256_SHA256", "EC_SIGN_ED25519"
USE, VIEW = "cloudkms.cryptoKeyVersions.useToSign", "cloudkms.cryptoKeyVersions.viewPublicKey"


def add(store: Store, version: str, algorithm: str) -> None:
    """Make a key and its version, as `gcloud kms keys create --purpose=asymmetric-signing` does."""
    key, _, _ = version.partition("/cryptoKeyVersions/")
    store.create(Key(PRODUCT, key), {"name": key, "purpose": "ASYMMETRIC_SIGN"})
    body = {"name": version, "state": "ENABLED", "algorithm": algorithm}
    store.create(Key(PRODUCT, version), body)


def public_key(store: Store, call: Call) -> Body:
    """The answer to GET .../cryptoKeyVersions/1/publicKey."""
    from cryptography.hazmat.primitives import serialization

    version, _, _ = call.path.rpartition("/")
    body = _usable(store, version, VIEW)
    pem = (
        body["private"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return {
        "name": version,
        "algorithm": body["algorithm"],
        "pem": pem.decode(),
        "pemCrc32c": _crc32c(pem),
        "protectionLevel": "SOFTWARE",
    }


def asymmetric_sign(store: Store, call: Call) -> Body:
    body = _usable(store, call.path, USE)
    signature = _signature(body, call.body)
    answer = {
        "name": call.path,
        "signature": base64.b64encode(signature).decode(),
        "signatureCrc32c": _crc32c(signature),
        "protectionLevel": "SOFTWARE",
    }
    for field in ("digest", "data"):
        name = f"{field}Crc32c"
        if name in call.body:
            answer[f"verified{name[0].upper()}{name[1:]}"] = True
    return answer


def _usable(store: Store, version: str, permission: str) -> Body:
    if any(version.endswith(name) and permission == held for name, held in store.withheld):
        raise RefusedError(
            403, f"Permission '{permission}' denied on resource '{version}' (or it may not exist)."
        )
    body = store.get(Key(PRODUCT, version))
    if body["state"] != "ENABLED":
        message = f"{version} is not enabled, current state is: {body['state']}."
        raise RefusedError(400, message, "FAILED_PRECONDITION")
    if "private" not in body:  # made when it is first used: the infra venv has no cryptography
        body["private"] = _private_key(body["algorithm"])
    return body


def _signature(version: Body, request: Body) -> bytes:
    """Of a digest by ECDSA, of the data itself by Ed25519; each checked by its CRC32C."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    private_key = version["private"]
    if version["algorithm"] == ED25519:
        data = _checked(request, "data", request.get("data", ""))
        return bytes(private_key.sign(data))
    digest = _checked(request, "digest", request.get("digest", {}).get("sha256", ""))
    if len(digest) != hashlib.sha256().digest_size:
        raise RefusedError(400, "digest.sha256 must hold 32 bytes.")
    return bytes(private_key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256()))))


def _checked(request: Body, field: str, text: str) -> bytes:
    """The field's bytes; the other field must be missing, and a checksum right."""
    other_field = {"digest": "data", "data": "digest"}[field]
    if not text or other_field in request:
        raise RefusedError(400, f"The key version's algorithm takes {field} and not {other_field}.")
    content = base64.b64decode(text)
    checksum = request.get(f"{field}Crc32c")
    if checksum is not None and str(checksum) != _crc32c(content):
        raise RefusedError(400, f"The checksum in field {field}_crc32c did not match the data.")
    return content


def _private_key(algorithm: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if algorithm == ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == P256:
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 2048)


def _crc32c(content: bytes) -> str:
    """An int64, which JSON has as a text."""
    import google_crc32c

    return str(google_crc32c.value(content))
