"""Images in Google's stand-in: kept by their content, cleaned up as a repository's policies say."""

import hashlib
import http.client
import json
import socket
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import pytest

from tests.standins.google.apis import GoogleApis
from tests.standins.google.faults import Fault

NAME = "p/images/serving"
KIND = "application/vnd.docker.distribution.manifest.v2+json"


class Response(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def code(self) -> str:
        [error] = json.loads(self.content)["errors"]
        return error["code"]


@pytest.fixture
def google() -> Iterator[GoogleApis]:
    with GoogleApis() as google:
        yield google


def make_repository(google: GoogleApis, *, immutable: bool, **policies: object) -> None:
    """The repository of NAME, as Terraform makes it."""
    project, repository, _ = NAME.split("/")
    path = f"/artifact_registry/v1/projects/{project}/locations/l/repositories"
    document = {
        "format": "DOCKER",
        "dockerConfig": {"immutableTags": immutable},
        "cleanupPolicies": policies,
    }
    content = json.dumps(document).encode()
    google.respond("POST", f"{path}?repository_id={repository}", content)


def ask(
    google: GoogleApis,
    method: str,
    path: str,
    content: bytes = b"",
    kind: str = "application/octet-stream",
) -> Response:
    """`path` follows the image's name, or is a whole URL."""
    url = urlsplit(urljoin(f"{google.registry.url}/v2/{NAME}/", path))
    connection = http.client.HTTPConnection(url.netloc, timeout=5)
    connection.request(method, f"{url.path}?{url.query}", content, {"content-type": kind})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return Response(response.status, response.headers, content)


def digest(content: bytes) -> str:
    hash_ = hashlib.sha256(content)
    return f"sha256:{hash_.hexdigest()}"


LAYER = digest(b"layer")


def begin_upload(google: GoogleApis) -> str:
    """The location of a new upload."""
    response = ask(google, "POST", "blobs/uploads/")
    return response.headers["location"]


def upload(google: GoogleApis, content: bytes, *, promised: str = "") -> Response:
    location = begin_upload(google)
    promised = promised or digest(content)
    return ask(google, "PUT", f"{location}&digest={promised}", content)


def manifest(*blobs: bytes) -> bytes:
    config, *layers = ({"digest": digest(blob)} for blob in blobs)
    document = {"schemaVersion": 2, "config": config, "layers": layers}
    return json.dumps(document).encode()


def test_an_image_is_pushed_and_pulled_by_tag_and_digest(google):
    image = manifest(b"config", b"layer")
    image_digest = digest(image)
    for blob in (b"config", b"layer"):
        blob_push = upload(google, blob)
        assert blob_push.status == 201

    push = ask(google, "PUT", "manifests/1.0", image, KIND)

    assert push.status == 201
    assert push.headers["docker-content-digest"] == image_digest
    for reference in ("1.0", image_digest):
        pull = ask(google, "GET", f"manifests/{reference}")
        assert pull.content == image
        assert pull.headers["content-type"] == KIND
        assert pull.headers["docker-content-digest"] == image_digest
    layer = ask(google, "GET", f"blobs/{LAYER}")
    assert layer.content == b"layer"


def test_a_head_says_how_much_there_is_and_sends_none_of_it(google):
    upload(google, b"layer")
    request = f"HEAD /registry/v2/{NAME}/blobs/{LAYER} HTTP/1.1\r\nconnection: close\r\n\r\n"
    port = urlsplit(google.url).port

    # http.client would drop a body
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request.encode())
        response = connection.makefile("rb").read()

    assert response.startswith(b"HTTP/1.1 200")
    assert b"content-length: 5" in response
    assert response.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("manifests/1.0", "MANIFEST_UNKNOWN"),
        (f"blobs/{digest(b'')}", "BLOB_UNKNOWN"),
        ("tags", "NAME_UNKNOWN"),
    ],
)
def test_what_is_missing_is_missing_in_the_registrys_words(google, path, code):
    missing = ask(google, "GET", path)

    assert missing.status == 404
    assert missing.code == code


def test_another_images_blobs_and_manifests_are_not_this_ones(google):
    image = google.registry.put_image("p/images/pipeline", revision="c", tag="1.0")

    for reference in ("1.0", image):
        response = ask(google, "GET", f"manifests/{reference}")
        assert response.status == 404


def test_an_immutable_tag_never_moves(google):
    make_repository(google, immutable=True)
    first_image = manifest(b"config")
    second_image = manifest(b"config", b"config")
    upload(google, b"config")
    ask(google, "PUT", "manifests/1.0", first_image, KIND)

    refusal = ask(google, "PUT", "manifests/1.0", second_image, KIND)

    assert refusal.status == 400
    assert refusal.code == "DENIED"
    assert b"immutable" in refusal.content
    tagged_image = ask(google, "GET", "manifests/1.0")
    assert tagged_image.content == first_image
    refused_image = ask(google, "GET", f"manifests/{digest(second_image)}")
    assert refused_image.status == 404
    second_push = ask(google, "PUT", "manifests/1.0", first_image, KIND)
    assert second_push.status == 201


def test_a_mutable_tag_moves_and_is_taken_away_before_its_image(google):
    make_repository(google, immutable=False)
    first_image = google.registry.put_image(NAME, revision="a", tag="1.0")
    second_image = google.registry.put_image(NAME, revision="b", tag="1.0")

    tagged = ask(google, "DELETE", f"manifests/{second_image}")
    tag = ask(google, "DELETE", "manifests/1.0")
    untagged = ask(google, "DELETE", f"manifests/{second_image}")
    missing = ask(google, "DELETE", "manifests/1.0")

    assert tagged.code == "GOOGLE_MANIFEST_DANGLING_TAG"
    assert tag.status == 202
    assert untagged.status == 202
    assert missing.code == "MANIFEST_UNKNOWN"
    assert list(google.registry.manifests) == [(NAME, first_image)]


def test_neither_an_immutable_tag_nor_its_image_is_deleted(google):
    make_repository(google, immutable=True)
    image = google.registry.put_image(NAME, revision="a", tag="1.0")

    for reference in ("1.0", image):
        refusal = ask(google, "DELETE", f"manifests/{reference}")
        assert refusal.code == "DENIED"
        assert b"immutable" in refusal.content


def test_tags_are_listed_page_by_page(google):
    google.registry.page_size = 2
    image = google.registry.put_image(NAME, revision="a")
    for tag in ("c", "a", "b"):
        google.registry.tags[NAME, tag] = image

    first_page = ask(google, "GET", "tags/list")
    link = first_page.headers["link"]
    address = link.removeprefix("<").partition(">")[0]
    second_page = ask(google, "GET", address)

    assert json.loads(first_page.content)["tags"] == ["a", "b"]
    assert json.loads(second_page.content)["tags"] == ["c"]
    assert second_page.headers["link"] is None


OLD = {"action": "DELETE", "condition": {"tagState": "ANY", "olderThan": "86400s"}}
RECORDED = {
    "action": "KEEP",
    "condition": {"tagState": "TAGGED", "tagPrefixes": ["recorded-"]},
}
NEWEST = {"action": "KEEP", "mostRecentVersions": {"keepCount": 1}}


@pytest.mark.parametrize(
    ("immutable", "policies", "remaining"),
    [
        (False, {}, {"recorded", "tagged", "untagged", "new"}),
        (False, {"keep": RECORDED}, {"recorded", "tagged", "untagged", "new"}),
        (False, {"old": OLD}, {"new"}),
        (False, {"old": OLD, "keep": RECORDED}, {"recorded", "new"}),
        (False, {"old": OLD, "newest": NEWEST}, {"new"}),
        (True, {"old": OLD}, {"recorded", "tagged", "new"}),
    ],
)
def test_the_cleanup_deletes_what_a_policy_deletes_and_none_keeps(
    google, immutable, policies, remaining
):
    make_repository(google, immutable=immutable, **policies)
    tags = {"recorded": "recorded-1", "tagged": "1.0", "untagged": None, "new": "2.0"}
    ages = {"recorded": 4, "tagged": 3, "untagged": 2, "new": 0}
    images = {}
    for revision, tag in tags.items():
        age_days = ages[revision]
        digest = google.registry.put_image(NAME, revision=revision, tag=tag, age_days=age_days)
        images[digest] = revision
    other = google.registry.put_image("p/others/serving", revision="old", age_days=9)

    google.clean_up_images("p", "images")

    digests = {digest for _, digest in google.registry.manifests}
    assert digests == {other} | {digest for digest in images if images[digest] in remaining}


def test_the_newest_versions_are_counted_for_each_image(google):
    make_repository(google, immutable=False, old=OLD, newest=NEWEST)
    for name in ("p/images/serving", "p/images/pipeline"):
        for age_days in (3, 2):
            google.registry.put_image(name, revision=str(age_days), age_days=age_days)

    google.clean_up_images("p", "images")

    assert sorted(name for name, _ in google.registry.manifests) == [
        "p/images/pipeline",
        "p/images/serving",
    ]


@pytest.mark.parametrize("missing", [b"config", b"layer"])
def test_a_manifest_needs_all_its_blobs(google, missing):
    for blob in {b"config", b"layer"} - {missing}:
        upload(google, blob)

    refusal = ask(google, "PUT", "manifests/1.0", manifest(b"config", b"layer"), KIND)

    assert refusal.code == "MANIFEST_BLOB_UNKNOWN"
    refused_image = ask(google, "GET", "manifests/1.0")
    assert refused_image.status == 404


def test_an_index_needs_its_manifests(google):
    image = manifest(b"config")
    image_digest = digest(image)
    document = json.dumps({"manifests": [{"digest": image_digest}]})
    index = document.encode()
    refusal = ask(google, "PUT", "manifests/1.0", index, KIND)
    assert refusal.code == "MANIFEST_BLOB_UNKNOWN"

    upload(google, b"config")
    ask(google, "PUT", f"manifests/{image_digest}", image, KIND)

    push = ask(google, "PUT", "manifests/1.0", index, KIND)
    assert push.status == 201


@pytest.mark.parametrize("content", [b"no", b"[]", b'{"layers": [{}]}'])
def test_what_is_no_manifest_is_refused(google, content):
    refusal = ask(google, "PUT", "manifests/1.0", content, KIND)

    assert refusal.code == "MANIFEST_INVALID"


def test_a_wrong_digest_is_refused(google):
    wrong_digest = digest(b"other")

    blob_refusal = upload(google, b"layer", promised=wrong_digest)
    assert blob_refusal.code == "DIGEST_INVALID"
    refused_blob = ask(google, "GET", f"blobs/{wrong_digest}")
    assert refused_blob.status == 404
    upload(google, b"config")
    manifest_refusal = ask(google, "PUT", f"manifests/{wrong_digest}", manifest(b"config"), KIND)
    assert manifest_refusal.code == "DIGEST_INVALID"


def test_an_upload_is_begun_first_and_never_mounted(google):
    upload(google, b"layer")

    mount = ask(google, "POST", f"blobs/uploads/?mount={LAYER}&from=p/images/pipeline")
    assert mount.status == 202
    unknown_upload = ask(google, "PUT", f"blobs/uploads/x?digest={LAYER}", b"layer")
    assert unknown_upload.code == "BLOB_UPLOAD_UNKNOWN"
    post = ask(google, "POST", "manifests/1.0")
    assert post.code == "UNSUPPORTED"


def test_an_upload_is_finished_once(google):
    location = begin_upload(google)

    first_finish = ask(google, "PUT", f"{location}&digest={LAYER}", b"layer")
    second_finish = ask(google, "PUT", f"{location}&digest={LAYER}", b"layer")

    assert first_finish.status == 201
    assert second_finish.status == 404


def test_a_planted_image_says_what_it_was_built_from(google):
    image = google.registry.put_image(f"us-docker.pkg.dev/{NAME}", revision="c0ffee", tag="1.0")

    manifest = ask(google, "GET", "manifests/1.0")
    assert manifest.headers["docker-content-digest"] == image
    config_digest = json.loads(manifest.content)["config"]["digest"]
    blob = ask(google, "GET", f"blobs/{config_digest}")
    labels = json.loads(blob.content)["config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == "c0ffee"
    other_image = google.registry.put_image(NAME, revision="other")
    assert other_image != image


def test_a_planted_refusal_is_the_registrys(google):
    google.faults.append(Fault("GET", f"/v2/{NAME}/manifests/", 403))

    refused = ask(google, "GET", "manifests/1.0")

    assert refused.status == 403
    assert refused.code == "DENIED"
