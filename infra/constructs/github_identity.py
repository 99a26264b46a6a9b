"""How GitHub's jobs become service accounts without a key: workload identity federation.

The subject is made of claims of their own. GitHub's own `sub` holds numbers of owner and repository
where the repository was made, renamed or moved after 15 July 2026:
https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cdktf_cdktf_provider_google.iam_workload_identity_pool import IamWorkloadIdentityPool
from cdktf_cdktf_provider_google.iam_workload_identity_pool_provider import (
    IamWorkloadIdentityPoolProvider,
    IamWorkloadIdentityPoolProviderOidc,
)
from constructs import Construct

ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True)
class GithubJobs:
    """The jobs of one GitHub environment of a repository, of one branch or of any.

    A workflow's file is the branch's own. Without a branch, anyone who may push may become them.
    """

    repository: str
    environment: str
    branch: str | None

    @property
    def claims(self) -> dict[str, str]:
        """What GitHub says in the token of such a job; `ref` is no branch in a pull request."""
        claims = {"repository": self.repository, "environment": self.environment}
        if self.branch:
            claims["ref"] = f"refs/heads/{self.branch}"
        return claims

    @property
    def subject(self) -> str:
        return ":".join(self.claims.values())


class GithubIdentity(Construct):
    """A pool with one provider for each kind of job; `jobs` maps the provider's id to them."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        pool_id: str,
        project_number: int,
        jobs: Mapping[str, GithubJobs],
    ) -> None:
        super().__init__(scope, id_)
        self._principals = (
            f"principal://iam.googleapis.com/projects/{project_number}/locations/global/"
            f"workloadIdentityPools/{pool_id}/subject"
        )
        self._jobs = jobs
        self._pool = IamWorkloadIdentityPool(
            self, "Pool", workload_identity_pool_id=pool_id, display_name=pool_id
        )
        for provider, jobs_of_provider in jobs.items():
            self._provide(provider, jobs_of_provider.claims)

    def _provide(self, provider: str, claims: Mapping[str, str]) -> None:
        subject = " + ':' + ".join(f"assertion.{claim}" for claim in claims)
        clauses = [f"assertion.{claim} == '{value}'" for claim, value in claims.items()]
        IamWorkloadIdentityPoolProvider(
            self,
            provider,
            workload_identity_pool_id=self._pool.workload_identity_pool_id,
            workload_identity_pool_provider_id=provider,
            attribute_mapping={
                "google.subject": subject,
                "attribute.repository": "assertion.repository",
            },
            attribute_condition=" && ".join(clauses),
            oidc=IamWorkloadIdentityPoolProviderOidc(issuer_uri=ISSUER),
        )

    def principal(self, provider: str) -> str:
        """The jobs of `provider`, as a principal in a grant."""
        return f"{self._principals}/{self._jobs[provider].subject}"
