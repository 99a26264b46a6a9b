"""build/environment refuses in one sentence, and installs the lock's packages."""

import json
import os
import platform
import shutil
import subprocess
import sys

import pytest

from settings import REPOSITORY
from tests.scripts import loaded

SCRIPT = REPOSITORY / "build/environment"
LOCK = REPOSITORY / "Pipfile.lock"
USAGE = (
    "usage: build/environment infra|pipeline|serving|experiments|dev|provider-standin|"
    "successor|local-bigquery|evidently COMMAND"
)


@pytest.fixture(scope="module")
def environment():
    return loaded("environment")


@pytest.fixture
def lock():
    return json.loads(LOCK.read_text())


def call(*arguments):
    command = [sys.executable, SCRIPT, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("arguments", [[], ["pipeline"], ["pipelin", "true"]])
def test_wrong_usage_is_one_sentence_and_exit_2(arguments):
    process = call(*arguments)
    lines = process.stderr.strip().splitlines()

    assert process.returncode == 2
    assert USAGE in process.stderr
    assert len(lines) == 1


def test_an_unknown_command_is_one_sentence_and_exit_2():
    process = call("pipeline", "no-such-command")

    assert process.returncode == 2
    assert "no-such-command" in process.stderr
    assert "Traceback" not in process.stderr


def test_a_machine_that_can_hold_no_environment_is_told_what_to_do(
    environment, monkeypatch, capsys
):
    monkeypatch.setattr(environment, "runs_here", lambda: False)
    monkeypatch.setattr(environment.os, "geteuid", lambda: 1000)

    with pytest.raises(SystemExit) as end:
        environment.main(["pipeline", "true"])
    output = capsys.readouterr()

    assert end.value.code == 2
    assert "use Debian 13 or Ubuntu 24.04" in output.err


def test_a_program_that_a_command_calls_is_installed_at_each_start_where_it_is_missing(
    environment, tmp_path
):
    """The venv is there already, and git is not: the second step of a build."""
    if platform.freedesktop_os_release().get("ID") != "debian" or os.geteuid() != 0:
        pytest.skip("packages are installed by root on Debian alone")
    calls = tmp_path / "calls"
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in (environment.PYTHON, "python3", "sh"):
        path = shutil.which(name)
        (programs / name).symlink_to(path)
    installer = programs / "apt-get"
    installer.write_text(f'#!/bin/sh\necho "$@" >>{calls}\n')
    installer.chmod(0o755)
    command = [sys.executable, SCRIPT, "pipeline", "python", "-c", ""]

    process = subprocess.run(command, env={**os.environ, "PATH": str(programs)})

    lines = calls.read_text().splitlines()
    assert process.returncode == 0
    assert lines == ["update -qq", "install -y -qq git"]


def test_a_missing_lock_is_one_sentence(environment, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(environment, "REPOSITORY", tmp_path)

    with pytest.raises(SystemExit):
        environment.virtual_environment("pipeline", [])
    output = capsys.readouterr()

    assert "git checkout Pipfile.lock" in output.err


def test_every_package_of_the_lock_is_asked_for_with_its_hashes(environment, lock):
    packages = lock["pipeline"]

    lines = environment.requirements(packages)

    assert len(packages) > 200
    assert len(lines) == len(packages)
    for line in lines:
        assert "==" in line
        assert "--hash=sha256:" in line


def test_the_lock_names_no_index(lock):
    meta = lock.pop("_meta")

    assert meta["sources"] == []
    for packages in lock.values():
        for entry in packages.values():
            assert "index" not in entry


def test_an_unfinished_environment_is_made_anew(environment, monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "CACHE", tmp_path)
    place = tmp_path / "venv"
    place.mkdir()
    half = place / "half"
    half.touch()

    with environment.prepared(place, "a test") as fresh:
        assert fresh
        assert not half.exists()

    with environment.prepared(place, "a test") as fresh:
        assert not fresh


def test_a_failure_while_preparing_leaves_it_unready(environment, monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "CACHE", tmp_path)

    place = tmp_path / "venv"

    with pytest.raises(RuntimeError), environment.prepared(place, "a test"):
        raise RuntimeError

    with environment.prepared(place, "a test") as fresh:
        assert fresh
