"""An identity that programs act by, and who may act as it."""

from cdktf_cdktf_provider_google.service_account import ServiceAccount as Account
from cdktf_cdktf_provider_google.service_account_iam_member import ServiceAccountIamMember
from constructs import Construct

from infra.constructs.grants import grant_id


class ServiceAccount(Construct):
    """A service account; it never gets a key."""

    def __init__(self, scope: Construct, id_: str, *, account_id: str, description: str) -> None:
        super().__init__(scope, id_)
        self.resource = Account(self, "Resource", account_id=account_id, display_name=account_id, description=description)

    def grant(self, role: str, *, to: str) -> None:
        """Let the principal `to` act on this account, for example as it (roles/iam.serviceAccountUser)."""
        ServiceAccountIamMember(self, grant_id(role, to), service_account_id=self.resource.name, role=role, member=to)
