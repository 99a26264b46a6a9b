"""The beginning of every test process."""

import signal

import pytest

# pytest-xdist gives each file to one process, so that the longest start first.
LONGEST = ("test_delivery", "test_edits", "test_killed", "test_run", "test_rehearsal")


def pytest_configure() -> None:
    """Have what tests start hear Ctrl-C: a shell's background jobs ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(LONGEST)))
