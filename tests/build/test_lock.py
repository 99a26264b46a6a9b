"""`build/lock --check`, a part of `make check`: the lock is Pipfile's, or the check fails."""

import shutil
import subprocess

import pytest

from settings import REPOSITORY


@pytest.fixture
def repository(tmp_path):
    """A copy of Pipfile, its lock and build/lock."""
    (tmp_path / "build").mkdir()
    for file in ("Pipfile", "Pipfile.lock", "build/lock"):
        shutil.copy(REPOSITORY / file, tmp_path / file)
    return tmp_path


def check(repository):
    program = str(repository / "build/lock")
    command = [REPOSITORY / "build/environment", "dev", "python", program, "--check"]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_lock_is_pipfiles(repository):
    process = check(repository)

    assert process.returncode == 0, process.stderr


def test_a_changed_pipfile_fails_the_check(repository):
    pipfile = repository / "Pipfile"
    pipfile.write_text(pipfile.read_text().replace("[serving]\n", '[serving]\ntabulate = "*"\n', 1))

    process = check(repository)

    assert process.returncode == 1
    assert process.stderr == "Pipfile.lock is not Pipfile's: renew it with `make lock`\n"
