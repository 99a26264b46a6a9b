"""What was measured: each round's figure, by server and kind."""

import statistics
from collections import defaultdict

OURS, LOGGED = "ours", "logged"


class Figures:
    def __init__(self) -> None:
        self._rounds: dict[tuple[str, str], list[float]] = defaultdict(list)

    @property
    def names(self) -> list[str]:
        """The servers' names, ours first."""
        return [OURS, LOGGED, *self.peers]

    @property
    def peers(self) -> list[str]:
        names = {name for name, _ in self._rounds}
        return sorted(names - {OURS, LOGGED})

    def add(self, name: str, kind: str, figure: float) -> None:
        self._rounds[name, kind].append(figure)

    def last(self, name: str, kind: str) -> float:
        return self._rounds[name, kind][-1]

    def median(self, name: str, kind: str) -> float:
        return statistics.median(self._rounds[name, kind])

    def ours(self, kind: str) -> float:
        return self.median(OURS, kind)

    def ratio(self, kind: str, name: str = OURS) -> float:
        """One of ours over the better peer's, of what is better the larger it is."""
        best = max(self.median(peer, kind) for peer in self.peers)
        return self.median(name, kind) / best
