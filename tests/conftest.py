"""What every test process begins with."""

import signal


def pytest_configure() -> None:
    """A shell has its background jobs ignore Ctrl-C, and what tests start would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
