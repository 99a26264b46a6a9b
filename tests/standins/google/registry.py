"""Artifact Registry's images in the stand-in for Google's APIs.

It speaks the OCI distribution protocol. An upload is one POST and one PUT; there are no chunks, and
no mounts: a caller that asks for one has to upload. In a repository with immutable tags no tag
moves, and neither a tag nor a tagged image is deleted
(docs.cloud.google.com/artifact-registry/docs/repositories/update-repo-settings). Elsewhere an image
goes after its tags (github.com/genuinetools/reg/issues/136, InftyAI/alphatrion/issues/14).
"""

import hashlib
import json
import re
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.standins.google.error import RefusedError
from tests.standins.google.server import Answer
from tests.standins.google.store import Body
from tests.standins.google.unknowns import Unknowns

PATH = re.compile(
    r"/registry/v2/(?P<name>.+?)/"
    r"(?:(?P<kind>manifests|blobs|tags)/(?P<reference>[^/]+)|blobs/uploads/(?P<upload>[^/]*))"
)
HOST = re.compile(r"^[\w-]+\.pkg\.dev/")
CODES = {401: "UNAUTHORIZED", 403: "DENIED", 404: "NAME_UNKNOWN", 429: "TOOMANYREQUESTS"}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class RegistryError(RefusedError):
    """A registry's refusal; `status` is one of the protocol's codes."""

    def __init__(self, code: int, message: str, status: str = "") -> None:
        super().__init__(code, message, status or CODES.get(code, "UNKNOWN"))

    @property
    def body(self) -> Body:
        return {"errors": [{"code": self.status, "message": self.message}]}


class Registry:
    """All images; `immutable` tells of PROJECT and REPOSITORY whether its tags are immutable."""

    page_size = 100  # of a listing of tags

    def __init__(
        self,
        url: str,
        immutable: Callable[[str, str], bool] = lambda *_: False,
        unknowns: Unknowns | None = None,
    ) -> None:
        self.url = url
        self._unknowns = unknowns or Unknowns()
        self._immutable = immutable
        self._lock = threading.Lock()
        self.blobs: dict[tuple[str, str], bytes] = {}  # by the image's name and the digest
        self.manifests: dict[tuple[str, str], Answer] = {}  # as they are answered, likewise
        self.tags: dict[tuple[str, str], str] = {}  # the digest, by the image's name and the tag
        self.uploaded: dict[tuple[str, str], datetime] = {}  # of the manifests
        self._uploads: set[str] = set()

    def put_image(
        self, name: str, *, revision: str, tag: str | None = None, age_days: float = 0
    ) -> str:
        """The digest of a small image with `revision` in its labels.

        `name` is PROJECT/REPOSITORY/IMAGE, after a host or not.
        """
        name = HOST.sub("", name)
        layer = f"{name} {revision} {tag}".encode()
        config = {
            "config": {"Labels": {"org.opencontainers.image.revision": revision}},
            "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        }
        with self._lock:
            document = {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self._part(name, CONFIG, json.dumps(config).encode()),
                "layers": [self._part(name, LAYER, layer)],
            }
            manifest = json.dumps(document).encode()
            manifest_digest = digest(manifest)
            self._put_manifest(name, tag or manifest_digest, manifest, MANIFEST)
            self.uploaded[name, manifest_digest] -= timedelta(days=age_days)
        return manifest_digest

    def tags_of(self, name: str, manifest_digest: str) -> list[str]:
        """The tags of an image, without those of its namesakes."""
        return [
            tag
            for (image, tag), tagged_digest in self.tags.items()
            if (image, tagged_digest) == (name, manifest_digest)
        ]

    def remove(self, name: str, manifest_digest: str) -> None:
        """Take an image away with its tags, as the cleanup does."""
        for tag in self.tags_of(name, manifest_digest):
            del self.tags[name, tag]
        del self.manifests[name, manifest_digest]

    def _part(self, name: str, kind: str, content: bytes) -> Body:
        content_digest = digest(content)
        self.blobs[name, content_digest] = content
        return {"mediaType": kind, "digest": content_digest, "size": len(content)}

    def answer(self, method: str, target: str, content: bytes, content_type: str) -> Answer:
        url = urlsplit(target)
        match_ = PATH.fullmatch(url.path)
        if match_ is None:
            raise RegistryError(404, f"there is nothing at {url.path}")
        name, kind, reference, upload = match_.groups()
        query = parse_qs(url.query)
        [promised, *_] = query.get("digest", [""])
        [last_tag, *_] = query.get("last", [""])
        with self._lock:
            match method, kind:
                case "GET", "tags" if reference == "list":
                    return self._tags(name, last_tag)
                case "DELETE", "manifests":
                    return self._delete(name, reference)
                case "GET" | "HEAD", "manifests":
                    return self._manifest(name, reference)
                case "GET" | "HEAD", "blobs":
                    return self._blob(name, reference)
                case "PUT", "manifests":
                    return self._put_manifest(name, reference, content, content_type)
                case "POST", None if upload == "":
                    return self._begin(name)
                case "PUT", None if upload:
                    return self._finish(name, upload, promised, content)
        raise RegistryError(405, f"{method} {url.path}", "UNSUPPORTED")

    def _tags(self, name: str, last_tag: str) -> Answer:
        """A page of an image's tags, in order, after `last_tag`."""
        if not any(image == name for image, _ in self.manifests):
            raise RegistryError(404, f"there is no image {name}")
        tags = sorted(tag for image, tag in self.tags if image == name and tag > last_tag)
        page = tags[: self.page_size]
        headers = {"content-type": "application/json"}
        if tags != page:
            headers["link"] = f'</registry/v2/{name}/tags/list?last={page[-1]}>; rel="next"'
        content = json.dumps({"name": name, "tags": page})
        return Answer(200, content.encode(), headers)

    def _delete(self, name: str, reference: str) -> Answer:
        """Take a tag, or an image without one, away."""
        is_tag = (name, reference) in self.tags
        tags = [reference] if is_tag else self.tags_of(name, reference)
        project, repository, *_ = name.split("/")
        if tags and self._immutable(project, repository):
            raise RegistryError(400, f"{name}:{tags[0]} is an immutable tag", "DENIED")
        if self._immutable(project, repository) and not self._unknowns.deletes_untagged_images:
            raise RegistryError(400, f"{name} is in a repository with immutable tags", "DENIED")
        if is_tag:
            del self.tags[name, reference]
        elif tags:
            raise RegistryError(
                400,
                f"Manifest is still referenced by tag: {tags[0]}",
                "GOOGLE_MANIFEST_DANGLING_TAG",
            )
        else:
            self._manifest(name, reference)
            self.remove(name, reference)
        return Answer(202)

    def _manifest(self, name: str, reference: str) -> Answer:
        manifest_digest = self.tags.get((name, reference), reference)
        manifest = self.manifests.get((name, manifest_digest))
        if manifest is None:
            raise RegistryError(
                404, f"manifest {reference} of {name} is unknown", "MANIFEST_UNKNOWN"
            )
        return manifest

    def _blob(self, name: str, reference: str) -> Answer:
        if (name, reference) not in self.blobs:
            raise RegistryError(404, f"blob {reference} of {name} is unknown", "BLOB_UNKNOWN")
        content = self.blobs[name, reference]
        headers = {"content-type": "application/octet-stream", "docker-content-digest": reference}
        return Answer(200, content, headers)

    def _put_manifest(self, name: str, reference: str, content: bytes, content_type: str) -> Answer:
        content_digest = digest(content)
        self._refuse_missing_parts(name, reference, content)
        if not reference.startswith("sha256:"):
            self._put_tag(name, reference, content_digest)
        elif reference != content_digest:
            raise RegistryError(
                400, f"the manifest's digest is {content_digest}, not {reference}", "DIGEST_INVALID"
            )
        headers = {"content-type": content_type, "docker-content-digest": content_digest}
        self.manifests[name, content_digest] = Answer(200, content, headers)
        self.uploaded.setdefault((name, content_digest), datetime.now(UTC))
        location = f"{self.url}/v2/{name}/manifests/{content_digest}"
        return Answer(201, b"", {"location": location, "docker-content-digest": content_digest})

    def _refuse_missing_parts(self, name: str, reference: str, manifest: bytes) -> None:
        existing_parts = self.blobs.keys() | self.manifests.keys()
        for part in parts(manifest):
            if (name, part) not in existing_parts:
                raise RegistryError(
                    400,
                    f"manifest {reference} of {name} names {part}, which is not there",
                    "MANIFEST_BLOB_UNKNOWN",
                )

    def _put_tag(self, name: str, tag: str, manifest_digest: str) -> None:
        existing_digest = self.tags.get((name, tag), manifest_digest)
        project, repository, *_ = name.split("/")
        if existing_digest != manifest_digest and self._immutable(project, repository):
            raise RegistryError(
                400, f"manifest tag {tag} of {name} is {existing_digest} and immutable", "DENIED"
            )
        self.tags[name, tag] = manifest_digest

    def _begin(self, name: str) -> Answer:
        upload = str(uuid.uuid4())
        self._uploads.add(upload)
        location = f"{self.url}/v2/{name}/blobs/uploads/{upload}?state=begun"
        return Answer(202, b"", {"location": location})

    def _finish(self, name: str, upload: str, promised: str, content: bytes) -> Answer:
        if upload not in self._uploads:
            raise RegistryError(404, f"upload {upload} is unknown", "BLOB_UPLOAD_UNKNOWN")
        content_digest = digest(content)
        if promised != content_digest:
            raise RegistryError(
                400, f"the content's digest is {content_digest}, not {promised}", "DIGEST_INVALID"
            )
        self._uploads.remove(upload)
        self.blobs[name, promised] = content
        location = f"{self.url}/v2/{name}/blobs/{promised}"
        return Answer(201, b"", {"location": location, "docker-content-digest": promised})


def parts(manifest: bytes) -> list[str]:
    """The digests of the parts of a manifest, or of an index of manifests."""
    try:
        document: dict[str, Any] = json.loads(manifest)
        config = document.get("config")
        configs = [config] if config else []
        layers = document.get("layers", [])
        manifests = document.get("manifests", [])
        return [part["digest"] for part in (*configs, *layers, *manifests)]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise RegistryError(
            400, f"the manifest cannot be read ({error!r})", "MANIFEST_INVALID"
        ) from error


def digest(content: bytes) -> str:
    hash_ = hashlib.sha256(content)
    return f"sha256:{hash_.hexdigest()}"
