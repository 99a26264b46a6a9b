"""How GitHub's jobs become service accounts without a key: workload identity federation."""

from cdktf_cdktf_provider_google.iam_workload_identity_pool import IamWorkloadIdentityPool
from cdktf_cdktf_provider_google.iam_workload_identity_pool_provider import (
    IamWorkloadIdentityPoolProvider,
    IamWorkloadIdentityPoolProviderOidc,
)
from constructs import Construct

ISSUER = "https://token.actions.githubusercontent.com"


class GithubIdentity(Construct):
    """A pool with one provider for each GitHub environment of one repository.

    `environments` maps the provider's id to the environment.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        pool_id: str,
        project_number: int,
        repository: str,
        environments: dict[str, str],
    ) -> None:
        super().__init__(scope, id_)
        self._principals = (
            f"principal://iam.googleapis.com/projects/{project_number}/locations/global/"
            f"workloadIdentityPools/{pool_id}/subject"
        )
        self._subjects = {
            provider: f"repo:{repository}:environment:{environment}"
            for provider, environment in environments.items()
        }
        pool = IamWorkloadIdentityPool(
            self, "Pool", workload_identity_pool_id=pool_id, display_name=pool_id
        )
        oidc = IamWorkloadIdentityPoolProviderOidc(issuer_uri=ISSUER)
        for provider, subject in self._subjects.items():
            IamWorkloadIdentityPoolProvider(
                self,
                provider,
                workload_identity_pool_id=pool.workload_identity_pool_id,
                workload_identity_pool_provider_id=provider,
                attribute_mapping={
                    "google.subject": "assertion.sub",
                    "attribute.repository": "assertion.repository",
                },
                attribute_condition=(
                    f"assertion.repository == '{repository}' && assertion.sub == '{subject}'"
                ),
                oidc=oidc,
            )

    def principal(self, provider: str) -> str:
        """The jobs of `provider`, as a principal in a grant."""
        return f"{self._principals}/{self._subjects[provider]}"
