"""Images in Google's stand-in: kept by their content, under tags that never move."""

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
        return json.loads(self.content)["errors"][0]["code"]


@pytest.fixture
def google() -> Iterator[GoogleApis]:
    with GoogleApis() as google:
        yield google


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
    answered = Response(response.status, response.headers, response.read())
    connection.close()
    return answered


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def upload(google: GoogleApis, content: bytes, *, promised: str = "") -> Response:
    location = ask(google, "POST", "blobs/uploads/").headers["location"]
    return ask(google, "PUT", f"{location}&digest={promised or digest(content)}", content)


def manifest(*blobs: bytes) -> bytes:
    config, *layers = ({"digest": digest(blob)} for blob in blobs)
    return json.dumps({"schemaVersion": 2, "config": config, "layers": layers}).encode()


def test_an_image_is_pushed_and_pulled_by_tag_and_digest(google):
    image = manifest(b"config", b"layer")
    assert [upload(google, blob).status for blob in (b"config", b"layer")] == [201, 201]

    put = ask(google, "PUT", "manifests/1.0", image, KIND)

    assert put.status == 201
    assert put.headers["docker-content-digest"] == digest(image)
    for reference in ("1.0", digest(image)):
        got = ask(google, "GET", f"manifests/{reference}")
        assert got.content == image
        assert got.headers["content-type"] == KIND
        assert got.headers["docker-content-digest"] == digest(image)
    assert ask(google, "GET", f"blobs/{digest(b'layer')}").content == b"layer"


def test_a_head_says_how_much_there_is_and_sends_none_of_it(google):
    upload(google, b"layer")

    with socket.create_connection(
        ("127.0.0.1", urlsplit(google.url).port), timeout=5
    ) as connection:  # http.client would drop a body
        connection.sendall(
            (
                f"HEAD /registry/v2/{NAME}/blobs/{digest(b'layer')} HTTP/1.1\r\nconnection: "
                "close\r\n\r\n"
            ).encode()
        )
        answered = connection.makefile("rb").read()

    assert answered.startswith(b"HTTP/1.1 200")
    assert b"content-length: 5" in answered
    assert answered.endswith(b"\r\n\r\n")


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

    assert [
        ask(google, "GET", f"manifests/{reference}").status for reference in ("1.0", image)
    ] == [404, 404]


def test_a_tag_never_moves(google):
    first, second = manifest(b"config"), manifest(b"config", b"config")
    upload(google, b"config")
    ask(google, "PUT", "manifests/1.0", first, KIND)

    moved = ask(google, "PUT", "manifests/1.0", second, KIND)

    assert moved.status == 400
    assert moved.code == "DENIED"
    assert "immutable" in str(moved.content)
    assert ask(google, "GET", "manifests/1.0").content == first
    assert ask(google, "GET", f"manifests/{digest(second)}").status == 404
    assert ask(google, "PUT", "manifests/1.0", first, KIND).status == 201


@pytest.mark.parametrize("missing", [b"config", b"layer"])
def test_a_manifest_needs_all_its_blobs(google, missing):
    for blob in {b"config", b"layer"} - {missing}:
        upload(google, blob)

    assert (
        ask(google, "PUT", "manifests/1.0", manifest(b"config", b"layer"), KIND).code
        == "MANIFEST_BLOB_UNKNOWN"
    )
    assert ask(google, "GET", "manifests/1.0").status == 404


def test_an_index_needs_its_manifests(google):
    index = json.dumps({"manifests": [{"digest": digest(manifest(b"config"))}]}).encode()
    assert ask(google, "PUT", "manifests/1.0", index, KIND).code == "MANIFEST_BLOB_UNKNOWN"

    upload(google, b"config")
    ask(google, "PUT", f"manifests/{digest(manifest(b'config'))}", manifest(b"config"), KIND)

    assert ask(google, "PUT", "manifests/1.0", index, KIND).status == 201


@pytest.mark.parametrize("content", [b"no", b"[]", b'{"layers": [{}]}'])
def test_what_is_no_manifest_is_refused(google, content):
    assert ask(google, "PUT", "manifests/1.0", content, KIND).code == "MANIFEST_INVALID"


def test_a_wrong_digest_is_refused(google):
    assert upload(google, b"layer", promised=digest(b"other")).code == "DIGEST_INVALID"
    assert ask(google, "GET", f"blobs/{digest(b'other')}").status == 404
    upload(google, b"config")
    assert (
        ask(google, "PUT", f"manifests/{digest(b'other')}", manifest(b"config"), KIND).code
        == "DIGEST_INVALID"
    )


def test_an_upload_is_begun_first_and_never_mounted(google):
    upload(google, b"layer")

    assert (
        ask(
            google, "POST", f"blobs/uploads/?mount={digest(b'layer')}&from=p/images/pipeline"
        ).status
        == 202
    )
    assert (
        ask(google, "PUT", f"blobs/uploads/x?digest={digest(b'layer')}", b"layer").code
        == "BLOB_UPLOAD_UNKNOWN"
    )
    assert ask(google, "POST", "manifests/1.0").code == "UNSUPPORTED"


def test_an_upload_is_finished_once(google):
    location = ask(google, "POST", "blobs/uploads/").headers["location"]

    statuses = [
        ask(google, "PUT", f"{location}&digest={digest(b'layer')}", b"layer").status
        for _ in range(2)
    ]

    assert statuses == [201, 404]


def test_a_planted_image_says_what_it_was_built_from(google):
    image = google.registry.put_image(f"us-docker.pkg.dev/{NAME}", revision="c0ffee", tag="1.0")

    manifest = ask(google, "GET", "manifests/1.0")
    config = json.loads(
        ask(google, "GET", f"blobs/{json.loads(manifest.content)['config']['digest']}").content
    )
    assert manifest.headers["docker-content-digest"] == image
    assert config["config"]["Labels"]["org.opencontainers.image.revision"] == "c0ffee"
    assert google.registry.put_image(NAME, revision="other") != image


def test_a_planted_refusal_is_the_registrys(google):
    google.faults.append(Fault("GET", f"/v2/{NAME}/manifests/", 403))

    refused = ask(google, "GET", "manifests/1.0")

    assert refused.status == 403
    assert refused.code == "DENIED"
