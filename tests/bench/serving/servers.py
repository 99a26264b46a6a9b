"""The servers that are compared, each a process of its own on a port of its own."""

import contextlib
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from settings import REPOSITORY
from tests.bench.serving.venvs import VENV, python
from tests.standins import local_bigquery

PEERS = Path(__file__).with_name("peers")
HANDLER = "google.cloud.aiplatform.prediction.handler"
PATIENCE_SECONDS = 120
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    name: str
    model: Path
    url: str
    process: "subprocess.Popen[bytes]"
    log: Path
    started: float = field(default_factory=time.monotonic)

    @property
    def predict_url(self) -> str:
        return f"{self.url}/predict"

    def wait(self) -> None:
        """Return when it is healthy."""
        deadline = self.started + PATIENCE_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if is_healthy(f"{self.url}/health"):
                return
            time.sleep(0.02)
        output = self.log.read_text()
        raise SystemExit(f"{self.name} does not answer:\n{output[-2000:]}")

    def cpu_seconds(self) -> float:
        """So far, of user and system: fields 14 and 15 of /proc/PID/stat, the name is 2 (proc(5))."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        _, _, fields = text.rpartition(") ")
        user, system = fields.split()[11:13]
        ticks = int(user) + int(system)
        return ticks / CLOCK_TICKS


def is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200  # type: ignore[no-any-return]
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@contextlib.contextmanager
def ours(model: Path, repository: Path = REPOSITORY) -> Iterator[Server]:
    """Our server, of this or of another checkout."""
    port = free_port()
    environment = {"AIP_STORAGE_URI": str(model), "AIP_HTTP_PORT": str(port)}
    command = [*VENV, "python", "-m", "pipeline.serving.server"]
    with _running("ours", model, command, repository, port, environment) as server:
        yield server


@contextlib.contextmanager
def logged(model: Path) -> Iterator[Server]:
    """Our server, with a tenth of its requests logged to a BigQuery on the same two cores."""
    port = free_port()
    command = [*VENV, "python", "-m", "pipeline", "serve", str(model), "--port", str(port)]
    command += ["--request-log", "demo.log.requests", "--sampling-rate", "0.1"]
    with (
        tempfile.TemporaryDirectory() as place,
        local_bigquery.serving(Path(place)) as bigquery,
    ):
        local_bigquery.create_dataset(bigquery.url, "demo", "log")
        variables = {"BIGQUERY_EMULATOR_HOST": bigquery.url}
        with _running("logged", model, command, REPOSITORY, port, variables) as server:
            yield server


@contextlib.contextmanager
def routines(model: Path) -> Iterator[Server]:
    """Vertex's custom prediction routines, one worker like ours."""
    port = free_port()
    environment = {
        "AIP_STORAGE_URI": str(model),
        "AIP_HTTP_PORT": str(port),
        "AIP_HEALTH_ROUTE": "/health",
        "AIP_PREDICT_ROUTE": "/predict",
        "HANDLER_MODULE": HANDLER,
        "HANDLER_CLASS": "PredictionHandler",
        "PREDICTOR_MODULE": "routines",
        "PREDICTOR_CLASS": "StockPredictor",
        "VERTEX_CPR_WEB_CONCURRENCY": "1",
    }
    module = "google.cloud.aiplatform.prediction.model_server"
    command = [*VENV, python("routines"), "-m", module]
    with _running("routines", model, command, PEERS, port, environment) as server:
        yield server


@contextlib.contextmanager
def fastapi(model: Path) -> Iterator[Server]:
    port = free_port()
    command = [*VENV, python("fastapi"), "-m", "uvicorn", "fast:app", "--port", str(port)]
    command += ["--no-access-log", "--log-level", "warning"]
    with _running("fastapi", model, command, PEERS, port, {"MODEL": str(model)}) as server:
        yield server


@contextlib.contextmanager
def _running(
    name: str,
    model: Path,
    command: list[str],
    folder: Path,
    port: int,
    variables: dict[str, str],
) -> Iterator[Server]:
    environment = os.environ | variables | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            yield Server(name, model, f"http://127.0.0.1:{port}", process, log)
        finally:
            process.terminate()
            process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def phases(server: Server) -> dict[str, float]:
    """Seconds of each phase of our server's start, as its log tells them."""
    text = server.log.read_text()
    return {name: float(seconds) for name, seconds in re.findall(r"([\w-]+) ([\d.]+) s", text)}
