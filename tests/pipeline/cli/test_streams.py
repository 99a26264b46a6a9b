"""A stream that the caller closed is written to nowhere, and no file takes its number."""

import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from pipeline.__main__ import open_streams
open_streams()
from pathlib import Path
from pipeline.progress import everything_else_to
with everything_else_to(Path(sys.argv[1])) as terminal:
    print("words")
assert os.open(sys.argv[1], os.O_RDONLY) > 2
"""


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_ends_no_verb(tmp_path, closed):
    log = tmp_path / "log.txt"
    command = f'exec "$0" -c "$1" "$2" {closed}'

    process = subprocess.run(
        ["bash", "-c", command, sys.executable, PROGRAM, str(log)], capture_output=True, text=True
    )

    assert process.returncode == 0, process.stderr
    assert log.read_text() == "words\n"
