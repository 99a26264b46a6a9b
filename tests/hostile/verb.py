"""Calls `python -m pipeline` in this process, as the kinds ask it."""

import contextlib
import io

from pipeline.__main__ import main
from tests.hostile.case import Outcome


def called(*arguments: object) -> Outcome:
    """The command's exit code and its words: those of standard error, where it has some."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(output):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:  # argparse
            code = int(end.code or 0)
    return Outcome(code, errors.getvalue() or output.getvalue())
