"""The numbers allowed in a feature: one rule for requests, CSVs and queries' answers."""

from typing import Any

INT64 = range(-(2**63), 2**63)
LARGEST_FLOAT = 3.4028234663852886e38  # of float32, in which a tf.Example holds numbers


def is_float32(value: Any) -> bool:
    """Say whether it is a number, and neither NaN nor an infinity in float32."""
    if isinstance(value, bool):
        return False
    if not isinstance(value, int | float):
        return False
    return -LARGEST_FLOAT <= value <= LARGEST_FLOAT
