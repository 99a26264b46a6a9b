"""The beginning of every test process."""

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.standins.google.apis import GoogleApis

# pytest-xdist gives each file to one process, so that the longest start first.
LONGEST = ("test_delivery", "test_edits", "test_killed", "test_run", "test_rehearsal")


def pytest_configure() -> None:
    _prepare_process()
    with contextlib.suppress(ImportError):  # the infra venv has no Hypothesis
        import hypothesis

        # A loaded machine is slow and no fault of the code.
        hypothesis.settings.register_profile("esteira", deadline=None)
        hypothesis.settings.load_profile("esteira")


def _prepare_process() -> None:
    """Have the tests' processes hear Ctrl-C: a shell's background jobs ignore it.

    In a hook, git's variables would have the tests commit to the repository of the hook, and a
    user's tracker would be sent the tests' runs.
    """
    for name in list(os.environ):
        if name.startswith(("GIT_", "MLFLOW_")):
            del os.environ[name]
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=rank)


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> "Iterator[GoogleApis]":
    """Google's APIs, asked by the clients of this process."""
    from environments import ENVIRONMENTS
    from tests.standins.google.apis import GoogleApis

    stages = ENVIRONMENTS.values()
    numbers = {stage.project_id: str(stage.project_number) for stage in stages}
    with GoogleApis(project_numbers=numbers) as google:
        for name, value in google.environment().items():
            monkeypatch.setenv(name, value)
        yield google


def rank(item: pytest.Item) -> int:
    """The place of the item's file in LONGEST, or after all of them."""
    file = item.path.stem
    if file in LONGEST:
        return LONGEST.index(file)
    return len(LONGEST)
