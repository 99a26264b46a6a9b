"""The project: its APIs, and the grants on all of it.

It says which of Google's APIs are on.
"""

from collections.abc import Iterable

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_google.project_iam_member import (
    ProjectIamMember,
    ProjectIamMemberCondition,
)
from cdktf_cdktf_provider_google.project_service import ProjectService
from constructs import Construct

from infra.constructs.grants import Principal, grant_id


class Project(Construct):
    """A stack's APIs and grants in its project.

    APIs stay on when the stack goes: others may use them.
    """

    def __init__(
        self, scope: Construct, id_: str, *, project_id: str, apis: Iterable[str] = ()
    ) -> None:
        super().__init__(scope, id_)
        self.project_id = project_id
        self.apis = [
            ProjectService(self, api, service=f"{api}.googleapis.com", disable_on_destroy=False)
            for api in apis
        ]

    def grant(
        self,
        role: str,
        *,
        to: str | Principal,
        only_for_roles: Iterable[str] = (),
        except_in_buckets: bool = False,
        after: ITerraformDependable | None = None,
    ) -> None:
        """Let `to` act on the whole project.

        With `only_for_roles`, it acts as the administrator of the grants of these roles alone.
        With `except_in_buckets`, what the role allows in buckets is left out. `after` is made
        before the grant, as a custom role of the same stack has to be.
        """
        principal = Principal.of(to)
        roles = list(only_for_roles)
        limit = _only_grants_of(roles) if roles else None
        if except_in_buckets:
            limit = _nothing_in_storage()
        ProjectIamMember(
            self,
            grant_id(role, principal),
            project=self.project_id,
            role=role,
            member=principal.member,
            condition=limit,
            depends_on=[after] if after else None,
        )


def _nothing_in_storage() -> ProjectIamMemberCondition:
    """Take a role's permissions in buckets from it.

    Services that know no resource attributes compare unequal to any type, and so keep theirs:
    https://cloud.google.com/iam/docs/configuring-resource-based-access
    """
    types = ("storage.googleapis.com/Bucket", "storage.googleapis.com/Object")
    expression = " && ".join(f'resource.type != "{type_}"' for type_ in types)
    return ProjectIamMemberCondition(title="nothing in buckets", expression=expression)


def _only_grants_of(roles: list[str]) -> ProjectIamMemberCondition:
    """Limit an administrator of grants to these roles, at most ten.

    https://cloud.google.com/iam/docs/setting-limits-on-granting-roles, where the list may hold ten.
    """
    count = len(roles)
    if count > 10:
        names = ", ".join(roles)
        raise ValueError(f"{count} roles may be granted, allowed are at most 10: {names}")
    quoted_roles = ", ".join(f"'{role}'" for role in roles)
    expression = (
        f"api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([{quoted_roles}])"
    )
    return ProjectIamMemberCondition(title="only these roles", expression=expression)
