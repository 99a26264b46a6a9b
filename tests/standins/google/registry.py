"""Artifact Registry's images in the stand-in for Google's APIs, with immutable tags.

It speaks the OCI distribution protocol. An upload is one POST and one PUT; there are no chunks, and
no mounts: a caller that asks for one has to upload.
"""

import hashlib
import json
import re
import threading
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.standins.google.error import RefusedError
from tests.standins.google.server import Answer
from tests.standins.google.store import Body

PATH = re.compile(
    r"/registry/v2/(?P<name>.+?)/(?:(?P<kind>manifests|blobs)/(?P<reference>[^/]+)|blobs/uploads/"
    r"(?P<upload>[^/]*))"
)
HOST = re.compile(r"^[\w-]+\.pkg\.dev/")
CODES = {401: "UNAUTHORIZED", 403: "DENIED", 404: "NAME_UNKNOWN", 429: "TOOMANYREQUESTS"}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG, LAYER = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar"


class RegistryError(RefusedError):
    """A registry's refusal; `status` is one of the protocol's codes."""

    def __init__(self, code: int, message: str, status: str = "") -> None:
        super().__init__(code, message, status or CODES.get(code, "UNKNOWN"))

    @property
    def body(self) -> Body:
        return {"errors": [{"code": self.status, "message": self.message}]}


class Registry:
    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = threading.Lock()
        self.blobs: dict[tuple[str, str], bytes] = {}  # by the image's name and the digest
        self.manifests: dict[tuple[str, str], Answer] = {}  # as they are answered, likewise
        self.tags: dict[tuple[str, str], str] = {}  # the digest, by the image's name and the tag
        self._uploads: set[str] = set()

    def put_image(self, name: str, *, revision: str, tag: str | None = None) -> str:
        """The digest of a small image with `revision` in its labels.

        `name` is PROJECT/REPOSITORY/IMAGE, after a host or not.
        """
        name, labels = HOST.sub("", name), {"org.opencontainers.image.revision": revision}
        layer = f"{name} {revision} {tag}".encode()
        config = {
            "config": {"Labels": labels},
            "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        }
        with self._lock:
            parts = {
                "config": self._part(name, CONFIG, json.dumps(config).encode()),
                "layers": [self._part(name, LAYER, layer)],
            }
            manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, **parts}).encode()
            self._put_manifest(name, tag or digest(manifest), manifest, MANIFEST)
        return digest(manifest)

    def _part(self, name: str, kind: str, content: bytes) -> Body:
        self.blobs[name, digest(content)] = content
        return {"mediaType": kind, "digest": digest(content), "size": len(content)}

    def answer(self, method: str, target: str, content: bytes, content_type: str) -> Answer:
        url = urlsplit(target)
        match_ = PATH.fullmatch(url.path)
        if match_ is None:
            raise RegistryError(404, f"there is nothing at {url.path}")
        name, reference, upload = match_["name"], match_["reference"], match_["upload"]
        with self._lock:
            match method, match_["kind"]:
                case "GET" | "HEAD", "manifests":
                    return self._manifest(name, reference)
                case "GET" | "HEAD", "blobs":
                    return self._blob(name, reference)
                case "PUT", "manifests":
                    return self._put_manifest(name, reference, content, content_type)
                case "POST", None if upload == "":
                    return self._begin(name)
                case "PUT", None if upload:
                    return self._finish(
                        name, upload, parse_qs(url.query).get("digest", [""])[0], content
                    )
        raise RegistryError(405, f"{method} {url.path}", "UNSUPPORTED")

    def _manifest(self, name: str, reference: str) -> Answer:
        manifest = self.manifests.get((name, self.tags.get((name, reference), reference)))
        if manifest is None:
            raise RegistryError(
                404, f"manifest {reference} of {name} is unknown", "MANIFEST_UNKNOWN"
            )
        return manifest

    def _blob(self, name: str, reference: str) -> Answer:
        if (name, reference) not in self.blobs:
            raise RegistryError(404, f"blob {reference} of {name} is unknown", "BLOB_UNKNOWN")
        kind = {"content-type": "application/octet-stream", "docker-content-digest": reference}
        return Answer(200, self.blobs[name, reference], kind)

    def _put_manifest(self, name: str, reference: str, content: bytes, content_type: str) -> Answer:
        own = digest(content)
        for part in parts(content):
            if (name, part) not in self.blobs and (name, part) not in self.manifests:
                raise RegistryError(
                    400,
                    f"manifest {reference} of {name} names {part}, which is not there",
                    "MANIFEST_BLOB_UNKNOWN",
                )
        if reference.startswith("sha256:") and reference != own:
            raise RegistryError(
                400, f"the manifest's digest is {own}, not {reference}", "DIGEST_INVALID"
            )
        if (
            not reference.startswith("sha256:")
            and self.tags.setdefault((name, reference), own) != own
        ):
            raise RegistryError(
                400,
                f"manifest tag {reference} of {name} is {self.tags[name, reference]} and immutable",
                "DENIED",
            )
        headers = {"content-type": content_type, "docker-content-digest": own}
        self.manifests[name, own] = Answer(200, content, headers)
        return Answer(
            201,
            b"",
            {"location": f"{self.url}/v2/{name}/manifests/{own}", "docker-content-digest": own},
        )

    def _begin(self, name: str) -> Answer:
        upload = str(uuid.uuid4())
        self._uploads.add(upload)
        return Answer(
            202, b"", {"location": f"{self.url}/v2/{name}/blobs/uploads/{upload}?state=begun"}
        )

    def _finish(self, name: str, upload: str, promised: str, content: bytes) -> Answer:
        if upload not in self._uploads:
            raise RegistryError(404, f"upload {upload} is unknown", "BLOB_UPLOAD_UNKNOWN")
        if promised != digest(content):
            raise RegistryError(
                400, f"the content's digest is {digest(content)}, not {promised}", "DIGEST_INVALID"
            )
        self._uploads.remove(upload)
        self.blobs[name, promised] = content
        return Answer(
            201,
            b"",
            {
                "location": f"{self.url}/v2/{name}/blobs/{promised}",
                "docker-content-digest": promised,
            },
        )


def parts(manifest: bytes) -> list[str]:
    """The digests of the parts of a manifest, or of an index of manifests."""
    try:
        document: dict[str, Any] = json.loads(manifest)
        return [
            part["digest"]
            for part in (
                *filter(None, [document.get("config")]),
                *document.get("layers", []),
                *document.get("manifests", []),
            )
        ]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise RegistryError(
            400, f"the manifest cannot be read ({error!r})", "MANIFEST_INVALID"
        ) from error


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
