"""An exported model, asked about held-out rows in this process."""

import contextlib
import itertools
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tfx.utils import io_utils

from pipeline.baseline import importance
from pipeline.components import example_rows
from pipeline.components.example_rows import Records
from pipeline.errors import RunError
from pipeline.serving import session
from settings.values import cut

TRANSFORMED = "transform_features"  # the signature that makes the label, as in the Evaluator
ROWS_AT_ONCE = 10_000


@contextlib.contextmanager
def on_this_machine(model: str) -> Iterator[Path]:
    """The model's folder, or a copy of that in a bucket."""
    if "://" not in model:
        yield Path(model)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = f"{folder}/model"
        io_utils.copy_dir(model, copy)
        yield Path(copy)


class AskedModel:
    """A model that answers records, those of raw columns with the label's among them."""

    def __init__(self, folder: Path, *, signature: str, label: str) -> None:
        self._signatures = session.load(str(folder))
        self._signature = signature
        self._label = label

    def scores(self, records: Records) -> NDArray[np.float64]:
        """The scores of its default signature; raises RunError for any but one number a row."""
        outputs = self._answers(self._signature, records)
        if len(outputs) != 1:
            names = ", ".join(outputs)
            raise RunError(f"the model answers {names}, allowed is one score")
        [scores] = outputs.values()
        return _numbers(scores, len(records), "the model's answer")

    def labels(self, records: Records) -> NDArray[np.float64]:
        """The label as the model's own preprocessing makes it."""
        outputs = self._answers(TRANSFORMED, records)
        return _numbers(outputs[self._label], len(records), "the label")

    def _answers(self, signature: str, records: Records) -> dict[str, NDArray[Any]]:
        ask = self._signatures[signature]
        batches = itertools.batched(records, ROWS_AT_ONCE)
        try:
            answers = [ask(list(batch)) for batch in batches]
        except tf.errors.OpError as error:
            raise RunError(f"the model can't be asked: {cut(error.message, 200)}") from error
        first_answer, *_ = answers
        outputs = {}
        for name in first_answer:
            outputs[name] = np.concatenate([answer[name] for answer in answers])
        return outputs


def _numbers(output: NDArray[Any], rows: int, subject: str) -> NDArray[np.float64]:
    if output.size != rows or output.dtype == object:
        raise RunError(f"{subject} is not one number for each held-out row, allowed is one")
    numbers = output.reshape(rows).astype(np.float64)
    finite = np.isfinite(numbers)
    if not finite.all():
        value, *_ = numbers[~finite]
        raise RunError(f"{subject} is {value} for held-out rows, allowed are finite numbers")
    return numbers


def importances(
    model: AskedModel,
    records: Records,
    labels: NDArray[np.float64],
    *,
    types: Mapping[str, str],
    metric: str,
) -> dict[str, float]:
    """The importance of each of the columns `types`, by some of the records."""
    rows = importance.sample(len(records))
    order = importance.permutation(len(rows))
    sample = [records[row] for row in rows]
    table = example_rows.table(sample, types)
    columns = {name: example_rows.encoded(table[name], name) for name in types}

    def scores(name: str | None) -> NDArray[np.float64]:
        if name is None:
            return model.scores(sample)
        column = columns[name]
        permuted_column = [column[row] for row in order]
        permuted_columns = columns | {name: permuted_column}
        permuted_records = example_rows.joined(permuted_columns.values())
        return model.scores(permuted_records)

    return importance.importances(types, metric, labels[rows], scores)
