"""The start of every test process."""

import signal


def pytest_configure() -> None:
    """A shell has its background jobs ignore Ctrl-C, and the tests' children would inherit it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
