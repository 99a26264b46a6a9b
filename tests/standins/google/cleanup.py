"""Artifact Registry's cleanup policies, run over the stand-in's images.

A policy that keeps outweighs one that deletes, the newest versions are counted for each image, and
a tagged image of a repository with immutable tags is never deleted
(docs.cloud.google.com/artifact-registry/docs/repositories/cleanup-policy-overview and
update-repo-settings). Conditions beyond those below are refused, not ignored.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tests.standins.google.error import RefusedError
from tests.standins.google.registry import Registry
from tests.standins.google.store import Body

CONDITIONS = {"tagState", "tagPrefixes", "olderThan"}


class Image(NamedTuple):
    name: str
    digest: str
    tags: list[str]
    uploaded: datetime


def clean_up(registry: Registry, prefix: str, policies: Iterable[Body], immutable: bool) -> None:
    """Apply the cleanup policies of the repository `prefix`, PROJECT/REPOSITORY."""
    images = _images(registry, prefix)
    digests: dict[str, set[str]] = {"KEEP": set(), "DELETE": set()}
    for policy in policies:
        action = policy["action"]
        digests[action] |= _chosen(policy, images)
    deleted = digests["DELETE"] - digests["KEEP"]
    for image in images:
        is_fixed = immutable and image.tags
        if image.digest in deleted and not is_fixed:
            registry.remove(image.name, image.digest)


def _images(registry: Registry, prefix: str) -> list[Image]:
    """The images below `prefix`, the newest first."""
    images = []
    for name, digest in registry.manifests:
        if name.startswith(f"{prefix}/"):
            tags = registry.tags_of(name, digest)
            images.append(Image(name, digest, tags, registry.uploaded[name, digest]))
    return sorted(images, key=lambda image: image.uploaded, reverse=True)


def _chosen(policy: Body, images: list[Image]) -> set[str]:
    """The digests of a policy's images."""
    if newest := policy.get("mostRecentVersions"):
        return _newest(images, newest["keepCount"])
    condition = policy["condition"]
    unknown_conditions = condition.keys() - CONDITIONS
    if unknown_conditions:
        names = ", ".join(sorted(unknown_conditions))
        raise RefusedError(400, f"the stand-in knows no condition {names} of a cleanup policy")
    return {image.digest for image in images if _meets(image, condition)}


def _newest(images: list[Image], count: int) -> set[str]:
    """The digests of the newest images of each name."""
    counts: Counter[str] = Counter()
    digests = set()
    for image in images:
        counts[image.name] += 1
        if counts[image.name] <= count:
            digests.add(image.digest)
    return digests


def _meets(image: Image, condition: Body) -> bool:
    state = condition.get("tagState", "ANY")
    actual_state = "TAGGED" if image.tags else "UNTAGGED"
    if state not in ("ANY", actual_state):
        return False
    prefixes = tuple(condition.get("tagPrefixes", ()))
    if prefixes and not any(tag.startswith(prefixes) for tag in image.tags):
        return False
    seconds = condition.get("olderThan", "0s").removesuffix("s")
    age = datetime.now(UTC) - image.uploaded
    return age > timedelta(seconds=float(seconds))
