"""Keeps the registry's tags to what the record names.

An image that no record names any more loses its tag, and the registry's cleanup may remove it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.delivery import record_object
from pipeline.delivery.record import Record, all_images
from pipeline.errors import RunError
from pipeline.gcp import artifact_registry
from pipeline.gcp.artifact_registry import TARGETS, Image
from pipeline.gcp.stage import Stage


def match_tags(stage: Stage) -> None:
    """Tag every image that the record names, and take the tag from all others.

    The tags are listed before the record is read: an image that is recorded in between keeps its
    own, and one that is recorded later gets it again by the call of its own delivery. What is
    refused is told and tried again the next time, since the delivery itself is done.
    """
    images = [Image(stage, target) for target in TARGETS]
    try:
        tags = {image: artifact_registry.recorded_tags(image) for image in images}
        record = record_object.read(stage)
    except RunError as error:
        print(f"the images' tags stay as they are: {error}", file=sys.stderr)
        return
    for image, old_tags in tags.items():
        digests = _digests_by_tag(record, image.target)
        missing_tags = digests.keys() - old_tags
        for tag in sorted(missing_tags):
            with _told(image, tag):
                artifact_registry.tag(image, digests[tag])
        surplus_tags = old_tags - digests.keys()
        for tag in sorted(surplus_tags):
            with _told(image, tag):
                artifact_registry.untag(image, tag)


def _digests_by_tag(record: Record, target: str) -> dict[str, str]:
    """Map the tag of each image of this target that the record names to its digest."""
    digests = [images.digests().get(target) for images in all_images(record)]
    return {artifact_registry.recorded_tag(digest): digest for digest in digests if digest}


@contextmanager
def _told(image: Image, tag: str) -> Iterator[None]:
    try:
        yield
    except RunError as error:
        print(f"the tag {image.name}:{tag} stays as it is: {error}", file=sys.stderr)
