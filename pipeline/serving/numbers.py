"""The numbers that a feature may hold: one rule for a request, a CSV and a query's answer."""

import math
from typing import Any

INT64 = range(-(2**63), 2**63)
LARGEST_FLOAT = 3.4028234663852886e38  # of float32, in which a tf.Example holds numbers


def is_int64(value: Any) -> bool:
    if not _is_number(value):
        return False
    whole = float(value).is_integer()
    return whole and int(value) in INT64


def is_float32(value: Any) -> bool:
    if not _is_number(value):
        return False
    return math.isfinite(value) and abs(value) <= LARGEST_FLOAT


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float)
