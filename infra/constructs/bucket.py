"""A bucket and the grants on it."""

from collections.abc import Mapping, Sequence

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_google.storage_bucket import (
    StorageBucket,
    StorageBucketLifecycleRule,
    StorageBucketLifecycleRuleAction,
    StorageBucketLifecycleRuleCondition,
    StorageBucketSoftDeletePolicy,
    StorageBucketVersioning,
)
from cdktf_cdktf_provider_google.storage_bucket_iam_member import (
    StorageBucketIamMember,
    StorageBucketIamMemberCondition,
)
from constructs import Construct

from infra.constructs.grants import Principal, grant_id

WEEK_SECONDS = 7 * 24 * 3600


class Bucket(Construct):
    """Private, versioned, and kept unless `deletable`.

    Of its content only the given prefixes expire (prefix -> days).
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        location: str,
        expire_after_days: Mapping[str, int] | None = None,
        deletable: bool = False,
    ) -> None:
        super().__init__(scope, id_)
        self._name = name
        rules = expire_after_days or {}
        bad_rules = {
            prefix: days for prefix, days in rules.items() if not _is_allowed(prefix, days)
        }
        if bad_rules:
            raise ValueError(
                f"expire_after_days has {bad_rules}, "
                "allowed are prefixes that end with / and at least 1 day"
            )
        versioning = StorageBucketVersioning(enabled=True)
        soft_delete = StorageBucketSoftDeletePolicy(retention_duration_seconds=WEEK_SECONDS)
        protection = TerraformResourceLifecycle(prevent_destroy=not deletable)
        expiries = [_expiry(prefix, days) for prefix, days in rules.items()]
        self.resource = StorageBucket(
            self,
            "Resource",
            name=name,
            location=location,
            force_destroy=deletable,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            versioning=versioning,
            soft_delete_policy=soft_delete,
            lifecycle=protection,
            lifecycle_rule=expiries,
        )

    def grant(self, role: str, *, to: str | Principal, only_in: Sequence[str] = ()) -> None:
        """Let the principal `to` act on this bucket; additive, so other grants survive.

        With `only_in`, it acts on objects of these folders and names alone: what is asked of the
        bucket itself, a list of objects above all, then takes another grant.
        """
        principal = Principal.of(to)
        limit = _only_in(self._name, only_in) if only_in else None
        StorageBucketIamMember(
            self,
            grant_id(role, principal),
            bucket=self.resource.name,
            role=role,
            member=principal.member,
            condition=limit,
        )


def _only_in(bucket: str, places: Sequence[str]) -> StorageBucketIamMemberCondition:
    """Limit a grant to objects.

    https://cloud.google.com/iam/docs/conditions-resource-attributes has the form of their names.
    """
    clauses = [_is_in(place, f"projects/_/buckets/{bucket}/objects/") for place in places]
    expression, names = " || ".join(clauses), ", ".join(places)
    return StorageBucketIamMemberCondition(title=f"only in {names}", expression=expression)


def _is_in(place: str, objects: str) -> str:
    """Return a condition: the object lies in this folder, or has this name."""
    if place.endswith("/"):
        return f'resource.name.startsWith("{objects}{place}")'
    return f'resource.name == "{objects}{place}"'


def _is_allowed(prefix: str, days: int) -> bool:
    return days >= 1 and prefix.endswith("/")


def _expiry(prefix: str, days: int) -> StorageBucketLifecycleRule:
    condition = StorageBucketLifecycleRuleCondition(age=days, matches_prefix=[prefix])
    deletion = StorageBucketLifecycleRuleAction(type="Delete")
    return StorageBucketLifecycleRule(condition=condition, action=deletion)
