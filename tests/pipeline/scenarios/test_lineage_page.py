"""docs/lineage.md: its commands run word for word on the shipped taxi model."""

import hashlib
import json
import os
import re
import shlex
import socket
import subprocess

import pytest

from pipeline.__main__ import parser
from settings import REPOSITORY
from tests.scripts import loaded

PAGE = (REPOSITORY / "docs/lineage.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE, flags=re.DOTALL)
PORT = "8080"  # the page's


def skip_changed_taxi():
    """Skip where a team has changed or removed the shipped model."""
    for path, sha256 in loaded("own").shipped().items():
        file = REPOSITORY / path
        if path.startswith("models/taxi/"):
            content = file.read_bytes() if file.is_file() else b""
            if hashlib.sha256(content).hexdigest() != sha256:
                pytest.skip(f"{path} is a team's own")


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        _, port = server.getsockname()
    return str(port)


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """The folder in which all commands of the page were typed, and the last one's exit code."""
    skip_changed_taxi()
    folder = tmp_path_factory.mktemp("followed")
    commands = "\n".join(BLOCKS).replace(PORT, free_port())
    file = folder / "commands.sh"
    file.write_text(f"{commands}\ncode=$?\nkill $!\nwait\nexit $code\n")
    variables = {
        "PYTHONPATH": str(REPOSITORY),
        "REPOSITORY": str(REPOSITORY),
        "GIT_DIR": str(REPOSITORY / ".git"),
    }
    process = subprocess.run(
        ["bash", file], cwd=folder, env=os.environ | variables, capture_output=True, text=True
    )
    (folder / "out.txt").write_text(process.stdout)
    (folder / "err.txt").write_text(process.stderr)
    assert (folder / "lineage.json").exists(), process.stderr
    return folder, process.returncode


@pytest.fixture(scope="module")
def origin(followed):
    folder, _ = followed
    answer = json.loads((folder / "lineage.json").read_text())
    [only_origin] = answer["origins"]
    return only_origin


def test_the_answer_leads_to_the_files_that_made_it(followed, origin):
    folder, _ = followed

    headers = json.loads((folder / "answer.json").read_text())

    assert headers["x-model-digest"] == f"sha256:{origin['digest']}"
    assert headers["x-model-version"] == origin["version"]


def test_the_answer_leads_to_its_rows(followed, origin):
    folder, _ = followed

    output = (folder / "out.txt").read_text()

    assert origin["data"]["rows"] == 15_002
    assert f"{origin['data']['sha256']}  " in output


def test_the_answer_leads_to_its_commit_and_lock(followed, origin):
    folder, _ = followed

    lines = (folder / "out.txt").read_text().splitlines()

    assert origin["code"]["commit"] in lines
    assert origin["environment"]["pipfile_lock_sha256"]


def test_the_rows_lead_to_the_server_that_answers_by_them(followed, origin):
    _, code = followed

    assert code == 3


@pytest.mark.parametrize("command", re.findall(r"`(python3 -m pipeline [^`]*)`", PAGE))
def test_each_command_of_the_page_exists(command):
    _, _, _, *arguments = shlex.split(command)

    options = parser().parse_args(arguments)

    assert options.verb == "lineage"
