"""An identity of programs, and the grants on it.

A grant on it lets others act as it.
"""

from cdktf_cdktf_provider_google.service_account import ServiceAccount as Account
from cdktf_cdktf_provider_google.service_account_iam_member import ServiceAccountIamMember
from constructs import Construct

from infra.constructs.grants import Principal, grant_id


class ServiceAccount(Construct):
    """A service account; it never gets a key."""

    def __init__(self, scope: Construct, id_: str, *, email: str, description: str) -> None:
        super().__init__(scope, id_)
        account_id, _, _ = email.partition("@")
        self.resource = Account(
            self,
            "Resource",
            account_id=account_id,
            display_name=account_id,
            description=description,
        )
        self.principal = Principal(name=f"serviceAccount:{email}", member=self.resource.member)

    def grant(self, role: str, *, to: str | Principal) -> None:
        """Let the principal `to` act on this account.

        With roles/iam.serviceAccountUser, for example, it acts as the account.
        """
        principal = Principal.of(to)
        ServiceAccountIamMember(
            self,
            grant_id(role, principal),
            service_account_id=self.resource.name,
            role=role,
            member=principal.member,
        )
