"""What was measured: each round's figure, by server and kind."""

import statistics
from collections import defaultdict

OURS = "ours"


class Figures:
    def __init__(self) -> None:
        self._rounds: dict[tuple[str, str], list[float]] = defaultdict(list)

    @property
    def names(self) -> list[str]:
        """The servers' names, ours first."""
        names = {name for name, _ in self._rounds}
        return [OURS, *sorted(names - {OURS})]

    def add(self, name: str, kind: str, figure: float) -> None:
        self._rounds[name, kind].append(figure)

    def last(self, name: str, kind: str) -> float:
        return self._rounds[name, kind][-1]

    def median(self, name: str, kind: str) -> float:
        return statistics.median(self._rounds[name, kind])

    def ours(self, kind: str) -> float:
        return self.median(OURS, kind)

    def ratio(self, kind: str) -> float:
        """Ours over the better peer's, of what is better the larger it is."""
        _, *peers = self.names
        best = max(self.median(name, kind) for name in peers)
        return self.ours(kind) / best
