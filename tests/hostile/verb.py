"""Calls `python -m pipeline` in this process, as the kinds ask it."""

import contextlib
import io

from pipeline.__main__ import main
from tests.hostile.case import Outcome


def called(*arguments: object) -> Outcome:
    words = io.StringIO()
    with contextlib.redirect_stderr(words), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:  # argparse
            code = int(end.code or 0)
    return Outcome(code, words.getvalue())
