"""A key of Cloud KMS that the team has made, and the grants on it.

Nothing makes or destroys one here: a key that is gone takes every signature's proof with it.
"""

from cdktf_cdktf_provider_google.kms_crypto_key_iam_member import KmsCryptoKeyIamMember
from constructs import Construct

from infra.constructs.grants import Principal, grant_id


class SigningKey(Construct):
    """The key of a version: PROJECT, location, key ring and key; a grant is on all its versions."""

    def __init__(self, scope: Construct, id_: str, *, version: str) -> None:
        super().__init__(scope, id_)
        self.key, _, _ = version.partition("/cryptoKeyVersions/")

    def grant(self, role: str, *, to: str | Principal) -> KmsCryptoKeyIamMember:
        """Let the principal `to` act on this key."""
        principal = Principal.of(to)
        return KmsCryptoKeyIamMember(
            self,
            grant_id(role, principal),
            crypto_key_id=self.key,
            role=role,
            member=principal.member,
        )
