"""Works on images in their repositories.

Images are found by tag, checked against the commit they say they are of, copied to the next stage,
kept by a tag and given up by its removal. Google has no client for what a registry holds; this
speaks the OCI distribution protocol, which Artifact Registry answers.
"""

import hashlib
import re
import tempfile
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from pipeline.delivery.record import Images
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp.clients import answered
from pipeline.gcp.protocols import Response
from pipeline.gcp.stage import Stage
from settings.names import RECORDED_TAG

TARGETS = ("pipeline", "serving", "worker")
TRANSFER_SECONDS = 600
REVISION = "org.opencontainers.image.revision"
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json"
)


@dataclass(frozen=True)
class Image:
    """A stage's image of one target, in its repository."""

    stage: Stage
    target: str

    @property
    def name(self) -> str:
        return self.stage.names.image(self.target)

    def at(self, digest: str) -> str:
        return f"{self.name}@{digest}"

    def path(self, suffix: str) -> str:
        _, _, repository = self.name.partition("/")
        return f"v2/{repository}/{suffix}"

    def ask(self, method: str, suffix: str, **arguments: Any) -> Response:
        """Send a request to the registry.

        `suffix` follows the image's name, or is a whole URL that the registry gave.
        """
        path = suffix if "://" in suffix else self.path(suffix)
        registry = self.stage.artifact_registry
        return registry.request(method, path, timeout=TRANSFER_SECONDS, **arguments)


def by_tag(stage: Stage, tag: str, commit: str) -> Images:
    """Return the digests of all images with this tag.

    Raises ConfigurationError where one is missing or of another commit.
    """
    return Images(**{target: _checked(Image(stage, target), tag, commit) for target in TARGETS})


def check(stage: Stage, images: Images) -> None:
    """Raise RunError if the registry has lost one of the images."""
    for target, digest in images.digests().items():
        _manifest(Image(stage, target), digest)


def keep(stage: Stage, images: Images) -> None:
    """Tag the images, and so keep them from the registry's cleanup."""
    for target, digest in images.digests().items():
        tag(Image(stage, target), digest)


def tag(image: Image, digest: str) -> None:
    _put_manifest(image, recorded_tag(digest), _manifest(image, digest))


def recorded_tag(digest: str) -> str:
    return f"{RECORDED_TAG}{digest.removeprefix('sha256:')[:12]}"


def recorded_tags(image: Image) -> set[str]:
    """Return the tags of this name that keep an image."""
    tags: list[str] = []
    place = "tags/list"
    with image.stage.asking(f"the images {image.name}"):
        while place:
            response = image.ask("GET", place)
            if response.status_code == 404:  # no image was ever pushed to this name
                break
            tags += answered(response).json().get("tags") or []
            place = _next_page(response)
    return {tag for tag in tags if tag.startswith(RECORDED_TAG)}


def untag(image: Image, name: str) -> None:
    """Take the tag `name` away; the image stays until the registry's cleanup.

    The registry takes a tag in the place of a digest (GoogleCloudPlatform/gcr-cleaner).
    """
    with image.stage.asking(f"the image {image.name}:{name}"):
        response = image.ask("DELETE", f"manifests/{name}")
        if response.status_code != 404:  # another delivery was first
            answered(response)


def copy(source: Stage, destination: Stage, images: Images) -> None:
    """Copy the images to the destination's names, by the same digests.

    What is there already is not sent again.
    """
    for target, digest in images.digests().items():
        begin, end = Image(source, target), Image(destination, target)
        manifest = _manifest(begin, digest)
        with destination.asking(f"the image {end.name}"):
            for blob in _blobs(manifest):
                _copy_blob(begin, end, blob)
            _put_manifest(end, digest, manifest)


def _next_page(response: Response) -> str:
    """Return the address of a listing's next page, or nothing after the last."""
    match = re.search(r'<([^>]+)>;\s*rel="?next', response.headers.get("link", ""))
    return urljoin(response.url, match[1]) if match else ""


def _checked(image: Image, tag: str, commit: str) -> str:
    with image.stage.asking(f"the image {image.name}:{tag}"):
        response = image.ask("GET", f"manifests/{tag}", headers={"accept": MANIFESTS})
        if response.status_code == 404:
            raise ConfigurationError(
                f"--tag is {tag!r}, and there is no image {image.name} of that tag"
            )
        config, *_ = _blobs(answered(response))
        configuration = answered(image.ask("GET", f"blobs/{config}")).json()
        labels = configuration.get("config", {}).get("Labels") or {}
    if labels.get(REVISION) != commit:
        revision = labels.get(REVISION, "an unknown commit")
        raise ConfigurationError(
            f"{image.name}:{tag} was built from {revision}, allowed is {commit}"
        )
    return f"sha256:{hashlib.sha256(response.content).hexdigest()}"


def _manifest(image: Image, digest: str) -> Response:
    """Return the registry's answer, its content checked against the digest."""
    with image.stage.asking(f"the image {image.at(digest)}"):
        response = answered(image.ask("GET", f"manifests/{digest}", headers={"accept": MANIFESTS}))
    if f"sha256:{hashlib.sha256(response.content).hexdigest()}" != digest:
        raise RunError(
            f"{image.at(digest)}: the registry answers something else than its digest says"
        )
    return response


def _put_manifest(image: Image, reference: str, manifest: Response) -> None:
    with image.stage.asking(f"the image {image.name}:{reference}"):
        response = image.ask("HEAD", f"manifests/{reference}", headers={"accept": MANIFESTS})
        digest = f"sha256:{hashlib.sha256(manifest.content).hexdigest()}"
        if response.ok and response.headers["docker-content-digest"] == digest:
            return
        kind = {"content-type": manifest.headers["content-type"]}
        answered(image.ask("PUT", f"manifests/{reference}", headers=kind, data=manifest.content))


def _blobs(manifest: Response) -> list[str]:
    """Return the digests of a manifest's parts, its configuration first."""
    content = manifest.json()
    if "layers" not in content:
        raise RunError(
            f"{manifest.url} is an index of several images, allowed is one: "
            "build it without attestations, for one platform"
        )
    return [content["config"]["digest"], *(layer["digest"] for layer in content["layers"])]


def _copy_blob(begin: Image, end: Image, blob: str) -> None:
    if end.ask("HEAD", f"blobs/{blob}").ok:
        return
    with (
        tempfile.TemporaryFile() as content,
        begin.ask("GET", f"blobs/{blob}", stream=True) as response,
    ):
        for part in answered(response).iter_content(1 << 20):
            content.write(part)
        content.seek(0)
        registry = end.stage.artifact_registry
        upload = answered(end.ask("POST", "blobs/uploads/")).headers["location"]
        place = urljoin(registry.url(end.path("blobs/uploads/")), upload)
        separator = "&" if "?" in place else "?"
        url = f"{place}{separator}digest={blob}"
        headers = {"content-type": "application/octet-stream"}
        answered(end.ask("PUT", url, data=content, headers=headers))
