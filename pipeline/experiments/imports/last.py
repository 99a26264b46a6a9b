"""What a run's summary is made of, gathered batch by batch: its attributes and its last points."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.experiments.imports.schema import SCALARS


@dataclass
class Gathered:
    scalars: dict[str, Any] = field(default_factory=dict)  # by path, the last one of several
    points: dict[str, tuple[float, float]] = field(default_factory=dict)  # step and value
    newest: datetime | None = None  # time of a point

    def add_points(self, points: pa.RecordBatch) -> None:
        """Take the point of the largest step of each path; of several the last one."""
        if not len(points):
            return
        paths = points["path"].dictionary_encode()
        codes = paths.indices.to_numpy(zero_copy_only=False)
        steps = points["step"].to_numpy(zero_copy_only=False)
        values = points["value"].to_numpy(zero_copy_only=False)
        order = np.lexsort((steps, codes))  # stable
        is_last = np.append(np.diff(codes[order]) != 0, True)
        for index in order[is_last]:
            path = paths.dictionary[int(codes[index])].as_py()
            step, value = float(steps[index]), float(values[index])
            if path not in self.points or self.points[path][0] <= step:
                self.points[path] = step, value
        newest = pc.max(points["time"]).as_py()
        if newest is not None:
            self.newest = max(newest, self.newest or newest)

    def add_attributes(self, attributes: pa.RecordBatch) -> None:
        for type_, column in SCALARS.items():
            rows = attributes.filter(pc.equal(attributes["attribute_type"], type_))
            paths, values = rows["attribute_path"].to_pylist(), rows[column].to_pylist()
            self.scalars.update(zip(paths, values, strict=True))
