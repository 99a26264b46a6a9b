"""Reports a trouble of the request log on standard error, once, and its end."""

import sys


class Trouble:
    """A trouble with a beginning and an end, reported by one thread."""

    def __init__(self, end: str) -> None:
        """`end` is the sentence for its end."""
        self._end = end
        self._kind = ""

    def begin(self, kind: str, sentence: str) -> None:
        """Say it, if it is of another kind than before: a library's words may change each time."""
        if kind != self._kind:
            _say(sentence)
        self._kind = kind

    def end(self) -> None:
        if self._kind:
            _say(self._end)
        self._kind = ""


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
