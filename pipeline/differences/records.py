"""What differs between records of runs: values by their keys, one record a run."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

Json = dict[str, Any]
Record = Mapping[str, Any]
Records = Sequence[Record | None]  # None of a run without one


def is_varied(values: Sequence[Any]) -> bool:
    pairs = pairwise(values)
    return any(first != second for first, second in pairs)


def difference(records: Records) -> Json:
    """What differs between those that are there, with a value for each run."""
    present = [record for record in records if record is not None]
    names = {name for record in present for name in record}
    values: Json = {}
    for name in sorted(names):
        present_values = [record.get(name) for record in present]
        if is_varied(present_values):
            values[name] = _of_each(name, records)
    return values


def _of_each(name: str, records: Records) -> Sequence[Any]:
    """The value of each record, None of one that is not there."""
    values = []
    for record in records:
        value = record.get(name) if record else None
        values.append(value)
    return values
