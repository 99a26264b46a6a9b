"""Numbers with a changed sign: west for east, a cost for a gain."""

import numpy as np

from pipeline.baseline.distance import jensen_shannon
from pipeline.monitoring.judging.rules.change import Change
from pipeline.monitoring.judging.rules.expected_shares import scaled_shares
from pipeline.monitoring.judging.rules.sentences import fault
from pipeline.monitoring.verdict import Finding

EXPLAINED = 3  # times less distance than with the training rows' sign
VARIED = 10  # times fewer different numbers, at most: a constant may lie in the same bin


def sign(change: Change) -> Finding | None:
    """Training's values explain the window's once their sign is changed."""
    quantiles = change.column.quantiles
    varied = VARIED * change.window.distinct > change.training.distinct
    if not change.is_judged or not quantiles or not varied or not change.moved:
        return None
    distance = _mirrored_distance(change)
    if EXPLAINED * distance > change.bin_distance or distance > change.fit:
        return None
    return fault(
        "unit",
        [change],
        f"{change.name} is as if multiplied by -1: training's values with the other sign differ "
        f"from the window's by {distance:.2g} bits, as they are by {change.bin_distance:.2g}",
        f"send {change.name} with the sign of the training rows",
    )


def _mirrored_distance(change: Change) -> float:
    """Bits between the window and training's values times -1."""
    edges = np.asarray(change.column.bins.edges)
    mirrored_edges = (-edges[::-1]).tolist()
    mirrored = scaled_shares(change.column, mirrored_edges)
    divergence = jensen_shannon(mirrored[::-1], change.window.bins)
    return float(divergence)
