"""A server of published versions: newer ones take over, and what can't be served does not."""

import asyncio
import contextlib
import itertools
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline import manifest
from pipeline.serving import saved_model
from tests.load import open_loop, small_model
from tests.load.open_loop import Exchanges
from tests.pipeline.serving.server_process import Process, started

BODY = {"instances": [small_model.SAMPLE]}
QUESTION = json.dumps(BODY)
RATE = 300  # requests a second, which is no load
LONGEST_SECONDS = 0.5  # of the p99 while versions are swapped, on a machine with other work


@pytest.fixture
def published(saved: Path, tmp_path: Path) -> Path:
    """A store's folder of versions that holds the first one."""
    folder = tmp_path / "store/small/published"
    shutil.copytree(saved, folder / "1")
    return folder


@pytest.fixture
def server(published: Path, tmp_path: Path) -> Iterator[Process]:
    command = ("python3", "-m", "pipeline", "serve", "small", "--runs", tmp_path, "--port", 0)
    with started(*command) as process:
        process.wait_for("is ready after")
        yield process


def publish(saved: Path, published: Path, version: str) -> Path:
    """Publish as the Pusher does: whole at once."""
    unfinished = published / f".{version}"
    shutil.copytree(saved, unfinished)
    return unfinished.rename(published / version)


def headers(server: Process) -> dict[str, str]:
    with contextlib.closing(server.connection()) as connection:
        connection.request("POST", "/predict", QUESTION)
        response = connection.getresponse()
        response.read()
        return dict(response.getheaders())


@dataclass
class Load:
    """What one client saw, asking again and again."""

    server: Process
    statuses: list[int] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)

    def ask_until(self, end: threading.Event) -> None:
        with contextlib.closing(self.server.connection()) as connection:
            while not end.wait(0.002):
                connection.request("POST", "/predict", QUESTION)
                response = connection.getresponse()
                response.read()
                self.statuses.append(response.status)
                self.versions.append(response.headers["x-model-version"])


@contextlib.contextmanager
def asking(server: Process) -> Iterator[Load]:
    load = Load(server)
    end = threading.Event()
    thread = threading.Thread(target=load.ask_until, args=(end,))
    thread.start()
    try:
        yield load
    finally:
        end.set()
        thread.join()


def test_an_answer_names_its_version_and_digest(server: Process, published: Path):
    answer_headers = headers(server)

    digest = manifest.of(published / "1").digest
    assert answer_headers["x-model-version"] == "1"
    assert answer_headers["x-model-digest"] == f"sha256:{digest}"


def test_a_newer_version_takes_over_without_a_failed_request(
    server: Process, saved: Path, published: Path
):
    with asking(server) as load:
        publish(saved, published, "2")
        server.wait_for("version 2 serves now")
        time.sleep(0.3)

    assert set(load.statuses) == {200}
    assert load.versions[0] == "1"
    assert load.versions[-1] == "2"
    assert load.versions == sorted(load.versions)


def test_no_request_fails_or_waits_for_long_while_versions_take_over(
    server: Process, saved: Path, published: Path
):
    questions = itertools.repeat(open_loop.request(BODY))

    def swap() -> None:
        for version in ("2", "3"):
            publish(saved, published, version)
            server.wait_for(f"version {version} serves now")

    async def loaded() -> Exchanges:
        swaps = asyncio.create_task(asyncio.to_thread(swap))
        exchanges = await open_loop.offer(server.port, RATE, 8, questions)
        await swaps
        return exchanges

    exchanges = asyncio.run(loaded())
    assert set(exchanges.statuses()) == {200}
    assert exchanges.percentile(99) <= LONGEST_SECONDS


def test_a_collection_of_garbage_at_a_swap_passes_by_the_libraries(saved: Path):
    program = (
        "import gc\n"
        "from pipeline.serving import loading\n"
        f"model = loading.load({str(saved)!r}, loading.prepare())\n"
        "print(len(gc.get_objects()), gc.get_freeze_count())\n"
    )
    command = (sys.executable, "-c", program)

    process = subprocess.run(command, capture_output=True, text=True, check=True)

    looked_at, passed_by = [int(number) for number in process.stdout.split()]
    assert looked_at < passed_by / 2


def test_an_older_version_does_not_take_over(server: Process, saved: Path, published: Path):
    publish(saved, published, "0")
    time.sleep(1.5)

    assert headers(server)["x-model-version"] == "1"


@pytest.mark.parametrize("fault", ["no graph", "no assets", "another model"])
def test_a_version_that_cant_be_served_leaves_the_old_one(
    server: Process, saved: Path, published: Path, tmp_path: Path, fault: str
):
    broken = tmp_path / "broken"
    shutil.copytree(saved, broken)
    _break(broken, fault)
    publish(broken, published, "2")

    server.wait_for("the old version serves on")

    assert headers(server)["x-model-version"] == "1"
    _, metrics = server.ask("GET", "/metrics")
    assert "esteira_refused_versions_total 1.0" in metrics
    time.sleep(1.5)
    assert server.output.count("serves on") == 1


def _break(folder: Path, fault: str) -> None:
    if fault == "no graph":
        (folder / "saved_model.pb").write_bytes(b"none")
    elif fault == "no assets":
        shutil.rmtree(folder / "assets.extra")
    else:
        serving = {**small_model.SERVING, "model": "large"}
        (folder / "assets.extra/serving.json").write_text(json.dumps(serving))


def test_a_version_that_was_repaired_takes_over(
    server: Process, saved: Path, published: Path, tmp_path: Path
):
    broken = tmp_path / "broken"
    shutil.copytree(saved, broken)
    graph = (broken / "saved_model.pb").read_bytes()
    (broken / "saved_model.pb").write_bytes(b"none")
    folder = publish(broken, published, "2")
    server.wait_for("the old version serves on")

    (folder / "saved_model.pb").write_bytes(graph)

    server.wait_for("version 2 serves now")
    assert headers(server)["x-model-version"] == "2"


def test_a_version_that_goes_away_serves_on(server: Process, saved: Path, published: Path):
    publish(saved, published, "0")

    shutil.rmtree(published / "1")
    time.sleep(3)

    assert headers(server)["x-model-version"] == "1"
    assert "serves" not in server.output


def test_a_store_that_goes_away_and_comes_back_is_watched_on(
    server: Process, saved: Path, published: Path
):
    shutil.rmtree(published)
    time.sleep(1.5)
    published.mkdir()

    publish(saved, published, "2")

    server.wait_for("version 2 serves now")


def test_a_version_that_is_copied_file_by_file_is_tried_when_it_is_whole(
    server: Process, saved: Path, published: Path
):
    files = [path for path in saved.rglob("*") if path.is_file()]
    for file in files:
        copy = published / "2" / file.relative_to(saved)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
        time.sleep(0.6)

    server.wait_for("version 2 serves now")

    assert "the old version serves on" not in server.output


def flip(folder: Path) -> None:
    file = folder / "fingerprint.pb"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (flip, r"fingerprint.pb has another content"),
        (lambda folder: (folder / "fingerprint.pb").unlink(), r"fingerprint.pb is missing"),
        (lambda folder: (folder / "added.pb").write_bytes(b"x"), r"added.pb was added"),
    ],
    ids=["flipped", "removed", "added"],
)
def test_a_version_that_is_not_as_it_was_published_leaves_the_old_one(
    change: Callable[[Path], object],
    problem: str,
    server: Process,
    saved: Path,
    published: Path,
    tmp_path: Path,
):
    damaged = tmp_path / "damaged"
    shutil.copytree(saved, damaged)
    manifest.write(damaged, manifest.inside(damaged))
    change(damaged)

    publish(damaged, published, "2")

    server.wait_for(rf"/2: the model is damaged \({problem}.+the old version serves on")
    assert headers(server)["x-model-version"] == "1"


def test_a_version_from_before_manifests_is_served_and_said_to_be_unverified(server: Process):
    server.wait_for("small, version 1, is unverified: it has no manifest")

    assert headers(server)["x-model-version"] == "1"


def test_a_version_that_takes_over_without_a_manifest_is_said_to_be_unverified(
    server: Process, saved: Path, published: Path
):
    publish(saved, published, "2")

    server.wait_for("small, version 2, is unverified: it has no manifest")
    assert headers(server)["x-model-version"] == "2"


def test_the_newest_version_is_a_folder_with_a_number(tmp_path: Path):
    for name in ("7", "08", "³", "٩", "9.unfinished"):
        (tmp_path / name).mkdir()
    (tmp_path / "10").write_text("a file")

    newest = saved_model.newest(tmp_path)

    assert newest == tmp_path / "08"


def test_memory_and_threads_stay_as_they_are_through_swaps(
    server: Process, saved: Path, published: Path
):
    sizes = []
    threads = []
    for version in range(2, 10):
        publish(saved, published, str(version))
        server.wait_for(f"version {version} serves now")
        headers(server)
        status = Path(f"/proc/{server.popen.pid}/status").read_text(encoding="utf-8")
        sizes.append(int(re.search(r"VmRSS:\s+(\d+)", status).group(1)))
        threads.append(int(re.search(r"Threads:\s+(\d+)", status).group(1)))

    assert sizes[-1] <= 1.05 * sizes[4]
    assert threads[-1] <= threads[4]


def test_the_document_for_callers_is_served(server: Process):
    status, text = server.ask("GET", "/openapi.json")

    document = json.loads(text)
    assert status == 200
    assert document["info"] == {"title": "small", "version": "1"}
    properties = document["components"]["schemas"]["Instance"]["properties"]
    assert list(properties) == ["fare", "hour", "company", "_key"]
