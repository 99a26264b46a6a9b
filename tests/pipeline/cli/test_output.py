"""Standard output that takes nothing more: a pipe that was closed, a full disk, none at all."""

import os
import shlex
import subprocess
import sys

import pytest

from settings import REPOSITORY

VARIABLES = {"PYTHONPATH": str(REPOSITORY), "ESTEIRA_ENVIRONMENT": "pipeline"}
LIST, HELP = ("runs", "--runs", "nothing"), ("runs", "--help")


def printed(arguments, to="", output=subprocess.PIPE):
    """Call the command line with its output in that file, or as a shell's redirection says."""
    environment = os.environ | VARIABLES
    environment.pop("PYTHONUNBUFFERED", None)
    command = shlex.join([sys.executable, "-m", "pipeline", *arguments])
    return subprocess.run(
        ["bash", "-c", f"{command} {to}"],
        env=environment,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("arguments", [LIST, HELP])
def test_a_pipe_that_was_closed_ends_without_a_word(arguments):
    reading_end, writing_end = os.pipe()
    os.close(reading_end)

    result = printed(arguments, output=writing_end)

    os.close(writing_end)
    assert result.stderr == ""
    assert result.returncode == 1


def test_a_full_disk_is_a_sentence():
    result = printed(LIST, "> /dev/full")

    assert result.stderr == "python -m pipeline runs: No space left on device\n"
    assert result.returncode == 1


def test_a_help_that_finds_no_room_has_failed():
    result = printed(HELP, "> /dev/full")

    assert result.stderr == ""
    assert result.returncode == 1


@pytest.mark.parametrize("arguments", [LIST, HELP])
def test_a_closed_output_is_no_failure(arguments):
    result = printed(arguments, ">&-")

    assert "Traceback" not in result.stderr
    assert result.returncode == 0
