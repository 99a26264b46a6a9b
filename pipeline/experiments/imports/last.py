"""What a run's summary is made of, gathered batch by batch: its attributes and its last points."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.experiments.imports.schema import SCALARS

POINT = ["path", "step", "value"]


@dataclass
class Gathered:
    scalars: dict[str, Any] = field(default_factory=dict)  # by path, the last one of several
    points: dict[str, tuple[float, float]] = field(default_factory=dict)  # step and value
    newest: datetime | None = None  # time of a point

    def add_points(self, points: pa.RecordBatch) -> None:
        """Take the point of the largest step of each path; of several the last one."""
        if points.num_rows == 0:
            return
        last_points = _last_of_each(points.select(POINT))
        for point in last_points.to_pylist():
            self._add_point(**point)
        times = points["time"]
        newest = pc.max(times).as_py()
        if newest is not None:
            self.newest = max(newest, self.newest or newest)

    def _add_point(self, path: str, step: float, value: float) -> None:
        earlier_step, _ = self.points.get(path, (step, value))
        if earlier_step <= step:
            self.points[path] = step, value

    def add_attributes(self, attributes: pa.RecordBatch) -> None:
        for type_, column in SCALARS.items():
            is_type = pc.equal(attributes["attribute_type"], type_)
            rows = attributes.filter(is_type)
            paths = rows["attribute_path"].to_pylist()
            values = rows[column].to_pylist()
            scalars = zip(paths, values, strict=True)
            self.scalars.update(scalars)


def _last_of_each(points: pa.RecordBatch) -> pa.RecordBatch:
    """Of each path the point of the largest step; of several the last one."""
    encoded_paths = points["path"].dictionary_encode()
    codes = encoded_paths.indices.to_numpy(zero_copy_only=False)
    step_column = points["step"]
    steps = step_column.to_numpy(zero_copy_only=False)
    order = np.lexsort((steps, codes))  # stable
    ordered_codes = codes[order]
    is_change = np.diff(ordered_codes) != 0
    is_last = np.append(is_change, True)
    indices = pa.array(order[is_last])
    return points.take(indices)
