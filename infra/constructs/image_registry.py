"""The repository of images, and the grants on it."""

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_google.artifact_registry_repository import (
    ArtifactRegistryRepository,
    ArtifactRegistryRepositoryCleanupPoliciesCondition,
    ArtifactRegistryRepositoryCleanupPoliciesMostRecentVersions,
)
from cdktf_cdktf_provider_google.artifact_registry_repository import (
    ArtifactRegistryRepositoryCleanupPolicies as Policy,
)
from cdktf_cdktf_provider_google.artifact_registry_repository_iam_member import (
    ArtifactRegistryRepositoryIamMember,
)
from constructs import Construct

from infra.constructs.grants import Principal, grant_id

KEPT_VERSIONS = 10
OLD_SECONDS = 90 * 24 * 3600


class ImageRegistry(Construct):
    """A self-cleaning repository of Docker images.

    An image with a tag that begins with `kept_tag` stays, and of the others the newest. Tags are
    mutable, which is the default: written out, the provider would plan it again each time. Google's
    cleanup deletes no image with an immutable tag, and nobody can take one off
    (docs.cloud.google.com/artifact-registry/docs/repositories/update-repo-settings). What runs is
    named by digest, which never moves.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        location: str,
        description: str,
        kept_tag: str,
        deletable: bool = False,
    ) -> None:
        super().__init__(scope, id_)
        protection = TerraformResourceLifecycle(prevent_destroy=not deletable)
        self.resource = ArtifactRegistryRepository(
            self,
            "Resource",
            repository_id=name,
            location=location,
            description=description,
            format="DOCKER",
            cleanup_policies=_cleanup(kept_tag),
            lifecycle=protection,
        )

    def grant(self, role: str, *, to: str | Principal) -> None:
        """Let the principal `to` act on this repository."""
        principal = Principal.of(to)
        ArtifactRegistryRepositoryIamMember(
            self,
            grant_id(role, principal),
            location=self.resource.location,
            repository=self.resource.name,
            role=role,
            member=principal.member,
        )


def _cleanup(kept_tag: str) -> list[Policy]:
    """Return the policies: keep recorded and new images, delete old ones.

    A policy that keeps outweighs one that deletes; without the latter nothing would ever go.
    """
    recorded_tag = ArtifactRegistryRepositoryCleanupPoliciesCondition(
        tag_state="TAGGED", tag_prefixes=[kept_tag]
    )
    old_images = ArtifactRegistryRepositoryCleanupPoliciesCondition(
        tag_state="ANY", older_than=f"{OLD_SECONDS}s"
    )
    newest_versions = ArtifactRegistryRepositoryCleanupPoliciesMostRecentVersions(
        keep_count=KEPT_VERSIONS
    )
    keep_recorded = Policy(id="keep-recorded", action="KEEP", condition=recorded_tag)
    keep_newest = Policy(id="keep-newest", action="KEEP", most_recent_versions=newest_versions)
    delete_old = Policy(id="delete-old", action="DELETE", condition=old_images)
    return [keep_recorded, keep_newest, delete_old]
