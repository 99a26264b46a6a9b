"""build/environment refuses in one sentence, and installs the lock's packages."""

import json
import subprocess
import sys

import pytest

from settings import REPOSITORY
from tests.scripts import loaded

SCRIPT = REPOSITORY / "build/environment"


@pytest.fixture(scope="module")
def environment():
    return loaded("environment")


def call(*arguments, **kwargs):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, **kwargs
    )


@pytest.mark.parametrize("arguments", [[], ["pipeline"], ["pipelin", "true"]])
def test_wrong_usage_is_one_sentence_and_exit_2(arguments):
    process = call(*arguments)

    assert process.returncode == 2
    assert (
        "usage: build/environment infra|pipeline|serving|experiments|dev|provider-standin|"
        "successor COMMAND"
    ) in process.stderr
    assert len(process.stderr.strip().splitlines()) == 1


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

    assert end.value.code == 2
    assert "use Debian 13 or Ubuntu 24.04" in capsys.readouterr().err


def test_a_missing_lock_is_one_sentence(environment, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(environment, "REPOSITORY", tmp_path)

    with pytest.raises(SystemExit):
        environment.virtual_environment("pipeline", [])

    assert "git checkout Pipfile.lock" in capsys.readouterr().err


def test_every_package_of_the_lock_is_asked_for_with_its_hashes(environment):
    lock = json.loads((REPOSITORY / "Pipfile.lock").read_text())

    lines = environment.requirements(lock["pipeline"])

    assert len(lines) == len(lock["pipeline"]) > 200
    assert all("==" in line and "--hash=sha256:" in line for line in lines)


def test_the_lock_names_no_index():
    lock = json.loads((REPOSITORY / "Pipfile.lock").read_text())

    assert lock["_meta"]["sources"] == []
    assert [
        n for c in lock if c != "_meta" for n, entry in lock[c].items() if "index" in entry
    ] == []


def test_an_unfinished_environment_is_made_anew(environment, monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "CACHE", tmp_path)
    place = tmp_path / "venv"
    place.mkdir()
    (place / "half").touch()

    with environment.prepared(place, "a test") as fresh:
        assert fresh and not (place / "half").exists()

    with environment.prepared(place, "a test") as fresh:
        assert not fresh


def test_a_failure_while_preparing_leaves_it_unready(environment, monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "CACHE", tmp_path)

    with pytest.raises(RuntimeError), environment.prepared(tmp_path / "venv", "a test"):
        raise RuntimeError

    with environment.prepared(tmp_path / "venv", "a test") as fresh:
        assert fresh
