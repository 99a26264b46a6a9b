"""Where images are kept, and who may push and pull them."""

from cdktf_cdktf_provider_google.artifact_registry_repository import (
    ArtifactRegistryRepository,
    ArtifactRegistryRepositoryCleanupPoliciesCondition,
    ArtifactRegistryRepositoryCleanupPoliciesMostRecentVersions,
    ArtifactRegistryRepositoryDockerConfig,
)
from cdktf_cdktf_provider_google.artifact_registry_repository import ArtifactRegistryRepositoryCleanupPolicies as Policy
from cdktf_cdktf_provider_google.artifact_registry_repository_iam_member import ArtifactRegistryRepositoryIamMember
from constructs import Construct

from infra.constructs.grants import Principal, grant_id

RECORDED_TAG = "recorded-"  # a delivery tags what its record names, so that it stays as long as the record


class ImageRegistry(Construct):
    """A repository of Docker images whose tags never move; of what no record names, the newest stay and the rest goes after some time."""

    def __init__(
        self, scope: Construct, id_: str, *, name: str, location: str, description: str, keep_newest: int = 10, expire_after_days: int = 90
    ) -> None:
        super().__init__(scope, id_)
        if keep_newest < 1 or expire_after_days < 1:
            raise ValueError(f"keep_newest is {keep_newest} and expire_after_days {expire_after_days}, allowed is at least 1")
        self.resource = ArtifactRegistryRepository(
            self,
            "Resource",
            repository_id=name,
            location=location,
            description=description,
            format="DOCKER",
            docker_config=ArtifactRegistryRepositoryDockerConfig(immutable_tags=True),
            cleanup_policies=_cleanup(keep_newest, expire_after_days),
        )

    def grant(self, role: str, *, to: str | Principal) -> None:
        """Let the principal `to` act on this repository."""
        who = Principal.of(to)
        ArtifactRegistryRepositoryIamMember(
            self, grant_id(role, who), location=self.resource.location, repository=self.resource.name, role=role, member=who.member
        )


def _cleanup(keep_newest: int, expire_after_days: int) -> list[Policy]:
    """A policy that keeps outweighs one that deletes; without the latter nothing would ever go."""
    recorded = ArtifactRegistryRepositoryCleanupPoliciesCondition(tag_state="TAGGED", tag_prefixes=[RECORDED_TAG])
    old = ArtifactRegistryRepositoryCleanupPoliciesCondition(tag_state="ANY", older_than=f"{expire_after_days * 24 * 3600}s")
    newest = ArtifactRegistryRepositoryCleanupPoliciesMostRecentVersions(keep_count=keep_newest)
    return [
        Policy(id="keep-recorded", action="KEEP", condition=recorded),
        Policy(id="keep-newest", action="KEEP", most_recent_versions=newest),
        Policy(id="delete-old", action="DELETE", condition=old),
    ]
