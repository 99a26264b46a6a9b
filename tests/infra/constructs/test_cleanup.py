"""The image registry's own policies, run by the stand-in: unrecorded images are cleaned up."""

import json

from infra.constructs.image_registry import ImageRegistry
from tests.standins.google.apis import GoogleApis

NAME = "p/r/pipeline"
PATH = "/artifact_registry/v1/projects/p/locations/l/repositories?repository_id=r"


def test_old_images_go_but_recorded_ones_and_the_ten_newest(stack, resources):
    ImageRegistry(stack, "R", name="r", location="l", description="tries", kept_tag="recorded-")
    [registry] = resources(stack, "google_artifact_registry_repository")
    with GoogleApis() as google:
        google.respond("POST", PATH, as_requested(registry))
        recorded = google.registry.put_image(NAME, revision="r", tag="recorded-1", age_days=400)
        forgotten = google.registry.put_image(NAME, revision="f", tag="c-1", age_days=399)
        untagged = google.registry.put_image(NAME, revision="u", age_days=398)
        newest = [
            google.registry.put_image(NAME, revision=str(age), tag=f"c-{age}", age_days=age)
            for age in range(91, 101)
        ]

        google.clean_up_images("p", "r")

        remaining = {digest for _, digest in google.registry.manifests}
    assert remaining == {recorded, *newest}
    assert remaining.isdisjoint({forgotten, untagged})


def as_requested(registry) -> bytes:
    """The google provider's request for a new repository."""
    policies = {}
    for policy in registry.cleanup_policies:
        parts = {key: policy[key] for key in ("condition", "most_recent_versions") if key in policy}
        policies[policy["id"]] = {"action": policy["action"], **camel_case(parts)}
    return json.dumps({"cleanupPolicies": policies}).encode()


def camel_case(value):
    """The value with its keys as Google's APIs write them."""
    if not isinstance(value, dict):
        return value
    return {camel(key): camel_case(inner) for key, inner in value.items()}


def camel(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(word.capitalize() for word in others)
