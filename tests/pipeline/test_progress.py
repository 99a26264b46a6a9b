"""A terminal shows live seconds of the running nodes, any other stream a plain line a node."""

import contextlib
import io
import logging
import os
import pty
import re
import time

import pytest

from pipeline.progress import Progress, everything_else_to, shown

CLEAR = "\x1b[2K"  # how a terminal's line is written over


@pytest.fixture
def terminal():
    """A terminal's stream, and a way to close it and read all of its output."""
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as stream, os.fdopen(reader, "rb", 0) as output:
        yield stream, lambda: whole_output(stream, output)


def whole_output(stream, output):
    """What a terminal took: it hands its last lines on a moment after they were written."""
    stream.close()
    parts = []
    with contextlib.suppress(OSError):  # Linux's end of a terminal that nobody writes to
        while part := output.read(1 << 16):
            parts.append(part)
    return b"".join(parts).decode()


def test_a_terminal_counts_the_seconds_of_each_running_node(terminal):
    stream, read = terminal

    with Progress(stream) as progress:
        progress("Trainer", "running")
        progress("StatisticsGen", "running")
        time.sleep(1)
        progress("Trainer", "finished")
        progress("StatisticsGen", "failed")

    output = read()
    running_seconds = set(re.findall(r"Trainer +(\d+\.\d) s \.\.\.", output))
    assert len(running_seconds) > 2
    assert CLEAR in output
    assert re.search(r"Trainer +1\.\d s\r?\n", output)
    assert re.search(r"StatisticsGen +1\.\d s failed", output)


def test_another_stream_gets_a_line_at_each_beginning_and_end():
    stream = io.StringIO()

    with Progress(stream) as progress:
        progress("Trainer", "running")
        progress("Trainer", "finished")

    begin, end = stream.getvalue().splitlines()
    assert begin == "Trainer ..."
    assert re.fullmatch(r"Trainer +0\.\d s", end)


def test_a_step_that_raises_is_shown_as_failed():
    stream = io.StringIO()

    with Progress(stream) as progress, pytest.raises(ValueError), shown(progress, "deploy"):
        raise ValueError

    assert stream.getvalue().rstrip().endswith("failed")


def test_a_log_handler_made_meanwhile_goes_on_afterwards(tmp_path, capfd):
    log = tmp_path / "log.txt"
    logger = logging.getLogger("late")
    with everything_else_to(log):
        handler = logging.StreamHandler()
        logger.addHandler(handler)
        logger.warning("early words")

    logger.warning("late words")

    logger.removeHandler(handler)
    assert log.read_text() == "early words\n"
    assert capfd.readouterr().err == "late words\n"
