"""A Cloud Build trigger, for one recipe of build/.

It says by which account the recipe runs, and on what call.
"""

from cdktf_cdktf_provider_google.cloudbuild_trigger import (
    CloudbuildTrigger,
    CloudbuildTriggerApprovalConfig,
    CloudbuildTriggerGitFileSource,
    CloudbuildTriggerPubsubConfig,
    CloudbuildTriggerSourceToBuild,
)
from constructs import Construct


class BuildTrigger(Construct):
    """Runs build/<recipe>.yaml of the commit in the request.

    It runs on a call, or on `topic`'s messages, after an approval unless told otherwise.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        location: str,
        repository: str,
        branch: str,
        recipe: str,
        service_account: str,
        stage: str,
        models: str = "all",
        commit: str | None = None,
        topic: str | None = None,
        approval_required: bool = True,
    ) -> None:
        super().__init__(scope, id_)
        substitutions = {"_STAGE": stage, "_MODELS": models}
        if commit:
            substitutions["_COMMIT"] = commit
        source = CloudbuildTriggerSourceToBuild(
            repository=repository, ref=f"refs/heads/{branch}", repo_type="GITHUB"
        )
        messages = CloudbuildTriggerPubsubConfig(topic=topic) if topic else None
        approval = CloudbuildTriggerApprovalConfig(approval_required=approval_required)
        self.resource = CloudbuildTrigger(
            self,
            "Resource",
            name=name,
            location=location,
            description=f"runs build/{recipe}.yaml",
            service_account=service_account,
            source_to_build=source,
            git_file_source=_recipe_file(recipe, repository),
            substitutions=substitutions,
            pubsub_config=messages,
            approval_config=approval,
        )


def _recipe_file(recipe: str, repository: str) -> CloudbuildTriggerGitFileSource:
    # Without a revision the recipe comes from the commit that is built, and not from wherever the
    # branch is by then.
    return CloudbuildTriggerGitFileSource(
        path=f"build/{recipe}.yaml", repository=repository, repo_type="GITHUB"
    )
