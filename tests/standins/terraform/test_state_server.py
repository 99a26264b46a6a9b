"""Terraform keeps its state in the served bucket, and one run locks out another."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standins.terraform.state_server import StateServer

BACKEND = {"backend": {"gcs": {"bucket": "state", "prefix": "dev"}}}


@pytest.fixture
def server(tmp_path) -> Iterator[StateServer]:
    with StateServer(tmp_path / "buckets") as server:
        server.make_bucket("state")
        yield server


@pytest.fixture
def initialized(server, tmp_path) -> Path:
    write(tmp_path, "hello")
    process = terraform(server, tmp_path, "init", "-input=false")
    assert process.returncode == 0, process.stderr
    return tmp_path


def write(directory: Path, greeting: str) -> None:
    configuration = {"terraform": BACKEND, "output": {"greeting": {"value": greeting}}}
    file = directory / "main.tf.json"
    file.write_text(json.dumps(configuration))


def environment(server: StateServer) -> dict[str, str]:
    return {
        **os.environ,
        **server.environment(),
        "TF_CLI_CONFIG_FILE": os.devnull,
        "CHECKPOINT_DISABLE": "1",
    }


def terraform(
    server: StateServer, directory: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    command = ["terraform", *arguments, "-no-color"]
    return subprocess.run(
        command, cwd=directory, env=environment(server), capture_output=True, text=True, timeout=60
    )


def test_the_state_is_in_the_bucket_and_outlives_the_server(server, initialized):
    process = terraform(server, initialized, "apply", "-auto-approve")
    local_state = initialized / "terraform.tfstate"

    assert process.returncode == 0, process.stderr
    assert not local_state.exists()

    server.__exit__()
    with StateServer(server.directory) as successor:
        reconfigured = terraform(successor, initialized, "init", "-input=false", "-reconfigure")
        output = terraform(successor, initialized, "output", "-json")

    assert reconfigured.returncode == 0, reconfigured.stderr
    outputs = json.loads(output.stdout)
    greeting = outputs["greeting"]
    assert greeting["value"] == "hello"


def test_a_run_is_refused_while_another_holds_the_lock(server, initialized):
    terraform(server, initialized, "apply", "-auto-approve")
    write(initialized, "changed")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    waiting = subprocess.Popen(
        ["terraform", "apply", "-no-color"], cwd=initialized, env=environment(server), **pipes
    )
    try:
        wait_for_lock(server)
        refused_plan = terraform(server, initialized, "plan")
        output, _ = waiting.communicate("yes\n", timeout=30)
    finally:
        waiting.kill()
    later_plan = terraform(server, initialized, "plan")

    assert "Error acquiring the state lock" in refused_plan.stderr
    assert "Apply complete!" in output
    assert later_plan.returncode == 0


def wait_for_lock(server: StateServer) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        locks = list(server.directory.glob("state/dev/default.tflock"))
        if locks:
            break
        time.sleep(0.05)
