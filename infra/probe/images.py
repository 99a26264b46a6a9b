"""Whether a repository with immutable tags lets an image without a tag go.

It speaks the OCI distribution protocol, which Artifact Registry answers:
https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import hashlib
import json
import os
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import NamedTuple
from urllib.parse import urljoin

from infra.doctor.finding import NotAskedError
from infra.doctor.rest import Body
from infra.probe.answer import Observation
from infra.probe.project import PATIENCE_SECONDS, Project

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
EMPTY_CONTENT = b"{}"  # https://github.com/opencontainers/image-spec/blob/main/manifest.md


def untagged_deletion(project: Project) -> Observation:
    repositories = f"{project.location}/repositories"
    repository = f"{repositories}/{project.names.probe}"
    thing = project.thing("the image repository", "artifact_registry", repository)
    body: Body = {"format": "DOCKER", "dockerConfig": {"immutableTags": True}}
    creation = f"{repositories}?repositoryId={project.names.probe}"
    project.make(thing, "artifact_registry", creation, body)

    image = f"{project.settings.project_id}/{project.names.probe}/probe"
    digest = _push(project, image)
    reply = _send(project, "DELETE", f"v2/{image}/manifests/{digest}")
    if reply.status < 300:
        return Observation(True, f"an untagged image was deleted, by {reply.status}")
    return Observation(False, f"deleting an untagged image was answered with {reply.status}")


class Reply(NamedTuple):
    status: int
    location: str


def _push(project: Project, image: str) -> str:
    """Push the smallest image without a tag; return its digest."""
    config_digest = _digest(EMPTY_CONTENT)
    uploads = f"v2/{image}/blobs/uploads/"
    upload = _send(project, "POST", uploads)
    separator = "&" if "?" in upload.location else "?"
    place = f"{upload.location}{separator}digest={config_digest}"
    replies = [upload, _send(project, "PUT", place, EMPTY_CONTENT, "application/octet-stream")]
    part = {"mediaType": EMPTY, "digest": config_digest, "size": len(EMPTY_CONTENT)}
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": part, "layers": [part]}
    manifest = json.dumps(document).encode()
    digest = _digest(manifest)
    replies.append(_send(project, "PUT", f"v2/{image}/manifests/{digest}", manifest, MANIFEST))
    for reply in replies:
        if reply.status >= 300:
            raise NotAskedError(f"no image could be pushed: the registry says {reply.status}")
    return digest


def _send(project: Project, method: str, path: str, content: bytes = b"", kind: str = "") -> Reply:
    host = f"https://{project.settings.region}-docker.pkg.dev"
    address = os.environ.get("REGISTRY_EMULATOR_HOST", host)
    url = urljoin(f"{address}/", path)
    request = urllib.request.Request(url, data=content or None, method=method)
    if kind:
        request.add_header("content-type", kind)
    token = project.token()
    request.add_unredirected_header("authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
            location = urljoin(url, response.headers.get("location", ""))
            return Reply(response.status, location)
    except urllib.error.HTTPError as error:
        return Reply(error.code, url)
    except (OSError, HTTPException) as error:
        raise NotAskedError(f"{address} can't be reached ({error})") from None


def _digest(content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    return f"sha256:{digest}"
