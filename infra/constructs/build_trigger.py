"""A Cloud Build trigger, for one recipe of build/.

It says by which account the recipe runs, and on what call.
"""

from collections.abc import Mapping

from cdktf_cdktf_provider_google.cloudbuild_trigger import (
    CloudbuildTrigger,
    CloudbuildTriggerApprovalConfig,
    CloudbuildTriggerGitFileSource,
    CloudbuildTriggerPubsubConfig,
    CloudbuildTriggerSourceToBuild,
)
from constructs import Construct

FROM_MESSAGE = "$(body.message."


class BuildTrigger(Construct):
    """Runs build/<recipe>.yaml of the commit in the request.

    It runs on a call, or on `topic`'s messages, after an approval unless told otherwise. A message
    without an attribute that a substitution asks for starts nothing, unless it is an `optional`
    one, which is then empty.
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
        optional: Mapping[str, str] | None = None,
        topic: str | None = None,
        approval_required: bool = True,
    ) -> None:
        super().__init__(scope, id_)
        substitutions = {"_STAGE": stage, "_MODELS": models}
        if commit:
            substitutions["_COMMIT"] = commit
        head = f"refs/heads/{branch}"
        source = CloudbuildTriggerSourceToBuild(repository=repository, ref=head, repo_type="GITHUB")
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
            git_file_source=_recipe_file(recipe, repository, head if topic else None),
            substitutions={**substitutions, **(optional or {})},
            filter=_filter(substitutions),
            pubsub_config=messages,
            approval_config=approval,
        )


def _recipe_file(
    recipe: str, repository: str, revision: str | None
) -> CloudbuildTriggerGitFileSource:
    """Return where the recipe is read: at the revision, or without one at the asked commit.

    Without a revision Cloud Build reads it from the one that the invocation names. A message names
    none: https://cloud.google.com/build/docs/api/reference/rest/v1/projects.triggers#GitFileSource
    """
    return CloudbuildTriggerGitFileSource(
        path=f"build/{recipe}.yaml", repository=repository, repo_type="GITHUB", revision=revision
    )


def _filter(substitutions: dict[str, str]) -> str | None:
    """Return a condition on messages: every asked attribute is present; None without any."""
    names = [name for name, value in substitutions.items() if value.startswith(FROM_MESSAGE)]
    clauses = [f'{name} != ""' for name in names]
    return " && ".join(clauses) or None
