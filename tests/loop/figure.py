"""Two models' figures on rows that neither of them had."""

from pathlib import Path

import numpy as np

from pipeline.components import paired_difference
from pipeline.components.paired_difference import Difference
from pipeline.model.folder import ModelFolder
from tests.loop.rows import Rows


def difference(folder: ModelFolder, old: Path, new: Path, rows: Rows) -> Difference:
    """The gate's metric of both published versions, and the interval around new - old."""
    from pipeline.components.asked_model import AskedModel
    from pipeline.components.csv_example_gen import encode

    records = list(encode(rows.table))
    declaration = folder.declaration
    signature = declaration.serving.default_signature
    label = declaration.label.name
    old_model = AskedModel(old, signature=signature, label=label)
    new_model = AskedModel(new, signature=signature, label=label)
    labels = np.asarray(new_model.labels(records) > 0)
    return paired_difference.difference(
        declaration.gate.metric, labels, new_model.scores(records), old_model.scores(records)
    )
