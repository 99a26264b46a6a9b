"""A model's rows by their time: as requests, and as the records that a model takes."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.baseline import times
from pipeline.model import schema as contract
from pipeline.model.csv_file.table import read_csv
from pipeline.model.folder import ModelFolder
from pipeline.serving.row_key import ROW_KEY


@dataclass(frozen=True)
class Rows:
    """All labelled rows of a folder's own file, and when each of them happened."""

    table: pa.Table
    moments: NDArray[np.datetime64]
    served: tuple[str, ...]

    @classmethod
    def of(cls, folder: ModelFolder) -> "Rows":
        schema = contract.read(folder)
        columns = contract.columns(schema)
        data = folder.declaration.data
        table = read_csv(folder.source, columns, data.null_values)
        for name in data.required:
            is_there = table[name].is_valid()
            table = table.filter(is_there)
        time_column = folder.declaration.monitoring.time_column
        moments = times.of_column(table[time_column])
        served = contract.served_columns(schema)
        return cls(table, moments, tuple(served))

    def between(self, begin: date, end: date) -> "Rows":
        return self.since(begin)._before(end)

    def since(self, begin: date) -> "Rows":
        is_since = self.moments >= np.datetime64(begin)
        return self._only(is_since)

    def _before(self, end: date) -> "Rows":
        is_before = self.moments < np.datetime64(end)
        return self._only(is_before)

    def _only(self, mask: NDArray[np.bool_]) -> "Rows":
        table = self.table.filter(pa.array(mask))
        return Rows(table, self.moments[mask], self.served)

    def instances(self) -> list[dict[str, Any]]:
        """Each row as a client sends it: no label, nothing for a missing value, and a row key."""
        instances = []
        for number, row in enumerate(self.table.select(self.served).to_pylist()):
            instance = _without_nulls(row)
            instance[ROW_KEY] = f"row-{number}"
            instances.append(instance)
        return instances

    def __len__(self) -> int:
        count: int = self.table.num_rows
        return count


def _without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
