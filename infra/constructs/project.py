"""The project: which of Google's APIs are on, and what is granted on all of it."""

from collections.abc import Iterable

from cdktf_cdktf_provider_google.project_iam_member import (
    ProjectIamMember,
    ProjectIamMemberCondition,
)
from cdktf_cdktf_provider_google.project_service import ProjectService
from constructs import Construct

from infra.constructs.grants import Principal, grant_id


class Project(Construct):
    """What a stack asks of the project it lies in. APIs stay on when the stack goes: others may use them."""

    def __init__(
        self, scope: Construct, id_: str, *, project_id: str, apis: Iterable[str] = ()
    ) -> None:
        super().__init__(scope, id_)
        self.project_id = project_id
        self.apis = [
            ProjectService(self, api, service=f"{api}.googleapis.com", disable_on_destroy=False)
            for api in apis
        ]

    def grant(self, role: str, *, to: str | Principal, only_for_roles: Iterable[str] = ()) -> None:
        """Let `to` act on the whole project; with `only_for_roles`, as the administrator of the grants of these roles alone."""
        who = Principal.of(to)
        limit = _only_grants_of(list(only_for_roles)) if only_for_roles else None
        ProjectIamMember(
            self,
            grant_id(role, who),
            project=self.project_id,
            role=role,
            member=who.member,
            condition=limit,
        )


def _only_grants_of(roles: list[str]) -> ProjectIamMemberCondition:
    """https://cloud.google.com/iam/docs/setting-limits-on-granting-roles, where the list may hold ten roles."""
    if len(roles) > 10:
        raise ValueError(
            f"{len(roles)} roles may be granted, allowed are at most 10: {', '.join(roles)}"
        )
    named = ", ".join(f"'{role}'" for role in roles)
    return ProjectIamMemberCondition(
        title="only these roles",
        expression=f"api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([{named}])",
    )
