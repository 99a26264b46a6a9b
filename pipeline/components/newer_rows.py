"""Compares a candidate with the last blessed model on rows that neither could learn from.

They are held-out rows newer than any row that the last blessed model had: a row's hash says whether
it is held out, and says so in every window.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tfx.utils import path_utils

from pipeline.baseline import times
from pipeline.components import data_window, example_rows, paired_difference
from pipeline.components.asked_model import AskedModel, on_this_machine
from pipeline.components.example_rows import Records

LEAST_ROWS = 200  # no figure from fewer
LEAST_OF_A_CLASS = 10  # an interval from fewer says nothing


@dataclass(frozen=True)
class Question:
    """What is compared; a parameter of the Evaluator."""

    metric: str
    label: str
    signature: str  # that clients get by default
    time_column: str
    time_type: str  # INT or BYTES

    def encode(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, parameter: str) -> "Question":
        return cls(**json.loads(parameter))


@dataclass(frozen=True)
class Comparison:
    """The models' figures on the newer rows; where they are not judged, `reason` says why.

    `low` and `high` are the 95 % interval around candidate - last_blessed.
    """

    metric: str
    last_time: str | None = None  # of the last blessed model's rows
    rows: int = 0
    positives: int = 0
    candidate: float | None = None
    last_blessed: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None

    @property
    def change(self) -> float | None:
        if self.candidate is None or self.last_blessed is None:
            return None
        return self.candidate - self.last_blessed

    @property
    def loses(self) -> bool:
        """The candidate is worse, and not by the chance of these rows."""
        return self.high is not None and self.high < 0


class _Answers(NamedTuple):
    labels: NDArray[np.bool_]
    candidate: NDArray[np.float64]
    last_blessed: NDArray[np.float64]


def compare(question: Question, rows: str, candidate: str, last_blessed: str) -> Comparison:
    """The comparison of two models' artifacts on the newer ones of the folder `rows`."""
    last_time = _last_time(last_blessed)
    if last_time is None:
        reason = "the last blessed model does not say which rows it had"
        return Comparison(question.metric, reason=reason)
    answers = _answers(question, rows, candidate, last_blessed, last_time)
    counted = Comparison(
        question.metric,
        last_time=last_time,
        rows=answers.labels.size,
        positives=int(answers.labels.sum()),
    )
    if problem := _too_few(counted.rows, counted.positives):
        return replace(counted, reason=problem)
    result = paired_difference.difference(question.metric, *answers)
    return replace(
        counted,
        candidate=result.new,
        last_blessed=result.old,
        low=result.low,
        high=result.high,
    )


def _last_time(model: str) -> str | None:
    """The last time of the rows that the model had; None in a model from before."""
    file = f"{path_utils.serving_model_path(model)}/assets.extra/{data_window.FILE}"
    if not tf.io.gfile.exists(file):
        return None
    with tf.io.gfile.GFile(file) as content:
        window = json.load(content)
    last: str = window["last"]
    return last


def _too_few(count: int, positives: int) -> str | None:
    """Why these rows are too few to judge by, or None."""
    if count < LEAST_ROWS:
        return f"{count} held-out rows are newer, allowed are {LEAST_ROWS} or more"
    rarest = min(positives, count - positives)
    if rarest < LEAST_OF_A_CLASS:
        return (
            f"{positives} of {count} newer held-out rows are positives, "
            f"allowed are {LEAST_OF_A_CLASS} or more of each class"
        )
    return None


def _answers(
    question: Question, rows: str, candidate: str, last_blessed: str, last_time: str
) -> _Answers:
    """The label and both scores of each newer row; the label is the candidate's."""
    parts = [_Answers(np.zeros(0, np.bool_), np.zeros(0), np.zeros(0))]
    with _asked(question, candidate) as new, _asked(question, last_blessed) as old:
        for records in _newer(question, rows, last_time):
            labels = new.labels(records) > 0
            answers = _Answers(labels, new.scores(records), old.scores(records))
            parts.append(answers)
    columns = zip(*parts, strict=True)
    return _Answers(*map(np.concatenate, columns))


@contextlib.contextmanager
def _asked(question: Question, model: str) -> Iterator[AskedModel]:
    path = path_utils.serving_model_path(model)
    with on_this_machine(path) as folder:
        yield AskedModel(folder, signature=question.signature, label=question.label)


def _newer(question: Question, folder: str, last_time: str) -> Iterator[Records]:
    """Batches of the rows after the last time."""
    last = times.of_value(last_time)
    name = question.time_column
    for records in example_rows.batches(folder):
        table = example_rows.table(records, {name: question.time_type})
        moments = times.of_column(table[name])
        places = np.flatnonzero(moments > last)  # no time is after none
        if places.size:
            yield [records[place] for place in places]
