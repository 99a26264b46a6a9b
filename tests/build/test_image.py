"""The built images work alone: one trains from a compiled spec, the other serves the result.

`make image` runs this.
"""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests.build.container import BUILT, Image
from tests.team import MODELS

pytestmark = pytest.mark.skipif(not BUILT.exists(), reason="no image was built here: `make image`")
SECONDS = 600
PYTHON = ("python", "-m", "pipeline")
TRIAL = "/trial"  # where the images find the folder `work`
PATHS = ("--runs", f"{TRIAL}/runs", "--output", TRIAL)


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """A folder with a model's folder in it, writable by the images' user."""
    place = tmp_path_factory.mktemp("work")
    bytecode = shutil.ignore_patterns("__pycache__")
    shutil.copytree(MODELS / "cab", place / "cab", ignore=bytecode)
    place.chmod(0o777)
    return place


@pytest.fixture(scope="module")
def rehearsed(work) -> dict:
    """The pipeline image's output after it compiled and rehearsed the cab folder's local spec.

    Each step runs in a container of its own.
    """
    image = Image.built("pipeline")
    run(image, *PYTHON, "compile", f"{TRIAL}/cab", "--env", "local", *PATHS, work=work)
    output = run(image, *PYTHON, "rehearse", f"{TRIAL}/local-cab.json", "--json", work=work)
    return json.loads(output)


@pytest.fixture(scope="module")
def published(work, rehearsed) -> Path:
    """The folder of the rehearsal's published model, by its path on this machine."""
    path = Path(rehearsed["published"])
    return work / path.relative_to(TRIAL)


@pytest.fixture(scope="module")
def served(work, rehearsed):
    """The address of the trained model, served by the serving image's own entrypoint."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        _, port = free.getsockname()
    variables = {
        "AIP_STORAGE_URI": rehearsed["published"],
        "AIP_HTTP_PORT": str(port),
        "AIP_HEALTH_ROUTE": "/v1/healthy",
        "AIP_PREDICT_ROUTE": "/v1/answer",
    }
    image = Image.built("serving")
    command = image.command(folders={work: TRIAL}, environment=variables)
    server = subprocess.Popen(command)
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(timeout=60)


def run(image: Image, *command: str, work: Path, user: str | None = None) -> str:
    process = subprocess.run(
        image.command(*command, folders={work: TRIAL}, user=user),
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


def test_the_pipeline_image_rehearses_a_local_spec_to_a_blessed_model(rehearsed, published):
    model = published / "saved_model.pb"

    assert rehearsed["blessed"] is True
    assert model.exists()


def test_the_serving_image_answers_a_request_under_vertex_s_contract(published, served):
    sample_file = published / "assets.extra/sample.json"
    sample = json.loads(sample_file.read_text())
    body = json.dumps({"instances": [sample, sample]})
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{served}/answer", body.encode(), headers)

    wait_until_healthy(served)
    response = urllib.request.urlopen(request, timeout=30)
    answer = json.load(response)

    scores = answer["predictions"]
    assert len(scores) == 2
    for score in scores:
        assert 0 <= score <= 1


@pytest.mark.parametrize("target", ["pipeline", "serving"])
def test_an_image_runs_as_nobody_special(work, target):
    image = Image.built(target)

    output = run(image, "id", "-u", work=work)

    assert output == "1000\n"


@pytest.mark.parametrize("target", ["pipeline", "serving"])
def test_an_image_holds_no_build_tools_and_nothing_that_they_kept(work, target):
    image = Image.built(target)
    search = (
        "command -v g++ gcc cc uv || true; ls -d /build /etc/pip.conf 2>/dev/null || true; "
        "find / -xdev -name .cache -user root"
    )

    output = run(image, "sh", "-c", search, work=work, user="0")

    assert output == ""


def test_the_pipeline_image_carries_no_model():
    image = Image.built("pipeline")
    command = image.command("ls", "/esteira/pipeline", folders={})

    process = subprocess.run(command, capture_output=True, text=True)

    names = process.stdout.split()
    assert "models" not in names
    assert "components" in names
