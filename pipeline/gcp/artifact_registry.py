"""Works on images in their repositories.

Images are found by tag, checked against the commit they say they are of, copied to the next stage
and kept by a tag. Google has no client for what a registry holds; this speaks the OCI distribution
protocol, which Artifact Registry answers.
"""

import hashlib
import tempfile
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urljoin

from pipeline.delivery.record import Images
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp.clients import answered, asking, session
from settings import Settings
from settings.names import RECORDED_TAG

TARGETS = ("pipeline", "serving")
REVISION = "org.opencontainers.image.revision"
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json"
)
EMULATOR = "REGISTRY_EMULATOR_HOST"


@dataclass(frozen=True)
class Image:
    """A stage's image of one target, in its repository."""

    settings: Settings
    target: str

    @property
    def name(self) -> str:
        return self.settings.names.image(self.target)

    def at(self, digest: str) -> str:
        return f"{self.name}@{digest}"

    @cached_property
    def _session(self) -> tuple[Any, str]:
        return session(EMULATOR, f"https://{self.name.partition('/')[0]}")

    def url(self, rest: str) -> str:
        return f"{self._session[1]}/v2/{self.name.partition('/')[2]}/{rest}"

    def ask(self, method: str, rest: str, **arguments: Any) -> Any:
        """Send a request to the registry.

        `rest` follows the image's name, or is a whole URL that the registry gave.
        """
        http = self._session[0]
        url = rest if "://" in rest else self.url(rest)
        return http.request(method, url, timeout=600, **arguments)


def by_tag(settings: Settings, tag: str, commit: str) -> Images:
    """Return the digests of both images with this tag.

    Raises ConfigurationError where one is missing or of another commit.
    """
    return Images(**{target: _checked(Image(settings, target), tag, commit) for target in TARGETS})


def check(settings: Settings, images: Images) -> None:
    """Raise RunError if the registry has lost one of the images."""
    for target in TARGETS:
        _manifest(Image(settings, target), getattr(images, target))


def keep(settings: Settings, images: Images) -> None:
    """Tag both images, and so keep them from the registry's cleanup."""
    for target in TARGETS:
        image, digest = Image(settings, target), getattr(images, target)
        tag = f"{RECORDED_TAG}{digest.removeprefix('sha256:')[:12]}"
        _put_manifest(image, tag, _manifest(image, digest))


def copy(source: Settings, destination: Settings, images: Images) -> None:
    """Copy both images to the destination's names, by the same digests.

    What is there already is not sent again.
    """
    for target in TARGETS:
        begin, end = Image(source, target), Image(destination, target)
        digest = getattr(images, target)
        manifest = _manifest(begin, digest)
        with asking(f"the image {end.name}", destination):
            for blob in _blobs(manifest):
                _copy_blob(begin, end, blob)
            _put_manifest(end, digest, manifest)


def _checked(image: Image, tag: str, commit: str) -> str:
    with asking(f"the image {image.name}:{tag}", image.settings):
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


def _manifest(image: Image, digest: str) -> Any:
    """Return the registry's answer, its content checked against the digest."""
    with asking(f"the image {image.at(digest)}", image.settings):
        response = answered(image.ask("GET", f"manifests/{digest}", headers={"accept": MANIFESTS}))
    if f"sha256:{hashlib.sha256(response.content).hexdigest()}" != digest:
        raise RunError(
            f"{image.at(digest)}: the registry answers something else than its digest says"
        )
    return response


def _put_manifest(image: Image, reference: str, manifest: Any) -> None:
    with asking(f"the image {image.name}:{reference}", image.settings):
        response = image.ask("HEAD", f"manifests/{reference}", headers={"accept": MANIFESTS})
        digest = f"sha256:{hashlib.sha256(manifest.content).hexdigest()}"
        if response.ok and response.headers["docker-content-digest"] == digest:
            return
        kind = {"content-type": manifest.headers["content-type"]}
        answered(image.ask("PUT", f"manifests/{reference}", headers=kind, data=manifest.content))


def _blobs(manifest: Any) -> list[str]:
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
        upload = answered(end.ask("POST", "blobs/uploads/")).headers["location"]
        place = urljoin(end.url("blobs/uploads/"), upload)
        separator = "&" if "?" in place else "?"
        url = f"{place}{separator}digest={blob}"
        headers = {"content-type": "application/octet-stream"}
        answered(end.ask("PUT", url, data=content, headers=headers))
