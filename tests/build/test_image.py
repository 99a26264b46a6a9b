"""The built images work alone: one trains from a compiled spec, the other serves the result.

`make image` runs this.
"""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.build.container import BUILT, Image
from tests.team import MODELS

pytestmark = pytest.mark.skipif(not BUILT.exists(), reason="no image was built here: `make image`")
SECONDS = 600


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """A folder with a model's folder in it, writable by the images' user."""
    place = tmp_path_factory.mktemp("work")
    shutil.copytree(MODELS / "cab", place / "cab", ignore=shutil.ignore_patterns("__pycache__"))
    place.chmod(0o777)
    return place


@pytest.fixture(scope="module")
def rehearsed(work) -> dict:
    """The pipeline image's output after it compiled and rehearsed the cab folder's local spec.

    It does each in a container.
    """
    python = ("python", "-m", "pipeline")
    run(
        Image.built("pipeline"),
        *python,
        "compile",
        "/trial/cab",
        "--env",
        "local",
        "--runs",
        "/trial/runs",
        "--output",
        "/trial",
        work=work,
    )
    return json.loads(
        run(
            Image.built("pipeline"),
            *python,
            "rehearse",
            "/trial/local-cab.json",
            "--json",
            work=work,
        )
    )


@pytest.fixture(scope="module")
def served(work, rehearsed):
    """The address of the serving image's own entrypoint under Vertex's variables.

    It serves what was trained.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {
        "AIP_STORAGE_URI": rehearsed["published"],
        "AIP_HTTP_PORT": str(port),
        "AIP_HEALTH_ROUTE": "/v1/healthy",
        "AIP_PREDICT_ROUTE": "/v1/answer",
    }
    server = subprocess.Popen(
        Image.built("serving").command(folders={work: "/trial"}, environment=variables)
    )
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(timeout=60)


def run(image: Image, *command: str, work: Path, user: str | None = None) -> str:
    process = subprocess.run(
        image.command(*command, folders={work: "/trial"}, user=user),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout


def wait_until_healthy(address: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/healthy", timeout=5)
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"{address}/healthy never answered 200")


def test_the_pipeline_image_rehearses_a_local_spec_to_a_blessed_model(work, rehearsed):
    assert rehearsed["blessed"] is True
    assert (work / Path(rehearsed["published"]).relative_to("/trial") / "saved_model.pb").exists()


def test_the_serving_image_answers_a_request_under_vertex_s_contract(work, rehearsed, served):
    sample = json.loads(
        (
            work / Path(rehearsed["published"]).relative_to("/trial") / "assets.extra/sample.json"
        ).read_text()
    )
    request = urllib.request.Request(
        f"{served}/answer",
        json.dumps({"instances": [sample, sample]}).encode(),
        {"Content-Type": "application/json"},
    )

    wait_until_healthy(served)
    answer = json.load(urllib.request.urlopen(request, timeout=30))

    assert len(answer["predictions"]) == 2
    assert all(0 <= score <= 1 for score in answer["predictions"])


@pytest.mark.parametrize("target", ["pipeline", "serving"])
def test_an_image_runs_as_nobody_special(work, target):
    assert run(Image.built(target), "id", "-u", work=work) == "1000\n"


@pytest.mark.parametrize("target", ["pipeline", "serving"])
def test_an_image_holds_no_build_tools_and_nothing_that_they_kept(work, target):
    looked = (
        "command -v g++ gcc cc uv || true; ls -d /build /etc/pip.conf 2>/dev/null || true; "
        "find / -xdev -name .cache -user root"
    )

    assert run(Image.built(target), "sh", "-c", looked, work=work, user="0") == ""


def test_the_pipeline_image_carries_no_model():
    image = Image.built("pipeline")

    process = subprocess.run(
        image.command("ls", "/esteira/pipeline", folders={}), capture_output=True, text=True
    )

    assert "models" not in process.stdout.split() and "components" in process.stdout.split()
