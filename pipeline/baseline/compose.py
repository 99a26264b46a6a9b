"""The baseline of a trained model: its training rows in counts, and the limits they set."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from pipeline.baseline import counting, limits
from pipeline.baseline.columns import Clock, Settings, TrainingColumn, training_column
from pipeline.baseline.content import Baseline, Calibration, Column, Slice
from pipeline.baseline.pairs import TrainingPair, training_pairs
from pipeline.baseline.profile import Profile

DAYS_A_YEAR = 365


def compose(
    rows: pa.Table,
    *,
    times: NDArray[np.datetime64] | None,
    settings: Settings,
    scores: ArrayLike,
    labels: ArrayLike,
    importances: Mapping[str, float],
    slices: Collection[Slice],
    schema: Mapping[str, str],
    model: str,
    digest: str,
) -> Baseline:
    """The baseline of the training `rows`, of which `times` tells when each happened.

    `scores` and `labels` are of held-out rows; `schema` has each served column's type.
    """
    clock = Clock.of(times, rows.num_rows, settings.window_days)
    training_columns = _training_columns(rows, schema, settings, clock)
    columns = {
        name: column.column(settings, importances.get(name))
        for name, column in training_columns.items()
    }
    judged = {
        name: column for name, column in training_columns.items() if not columns[name].unjudged
    }
    pairs = training_pairs(judged)
    held_out_scores = np.asarray(scores, dtype=np.float64)
    calibration = _calibration(held_out_scores, np.asarray(labels))
    return Baseline(
        model=model,
        digest=digest,
        schema=dict(schema),
        columns=columns,
        pairs=tuple(pair.pair for pair in pairs),
        slices=tuple(slices),
        reference=_reference(rows, training_columns, pairs, calibration),
        calibration=calibration,
        blocks=clock.row_blocks.blocks,
        scale=_scale(judged, columns, pairs, settings.false_alarms_a_year),
        false_alarms_a_year=settings.false_alarms_a_year,
        window_days=settings.window_days,
    )


def _training_columns(
    rows: pa.Table, schema: Mapping[str, str], settings: Settings, clock: Clock
) -> dict[str, TrainingColumn]:
    return {
        name: training_column(
            name,
            type_name,
            counting.values(rows, name),
            personal=name in settings.personal,
            clock=clock,
        )
        for name, type_name in schema.items()
    }


def _calibration(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> Calibration:
    positive_scores = scores[labels == 1]
    return Calibration(
        rows=counting.score_counts(scores),
        positives=counting.score_counts(positive_scores),
    )


def _reference(
    rows: pa.Table,
    columns: Mapping[str, TrainingColumn],
    pairs: Sequence[TrainingPair],
    calibration: Calibration,
) -> Profile:
    """The training rows' profile, with the held-out rows' scores."""
    return Profile(
        instances=rows.num_rows,
        requests=rows.num_rows,
        request_squares=rows.num_rows,
        columns={name: column.counts for name, column in columns.items()},
        scores=calibration.rows,
        pairs={pair.pair.name: pair.counts for pair in pairs},
    )


def _scale(
    judged: Mapping[str, TrainingColumn],
    columns: Mapping[str, Column],
    pairs: Sequence[TrainingPair],
    false_alarms_a_year: float,
) -> float:
    """Of the limits that model.toml leaves to the training rows."""
    tolerances = [
        column.tolerance(columns[name])
        for name, column in judged.items()
        if not columns[name].limit_is_set
    ]
    tolerances += [pair.tolerance() for pair in pairs]
    clocks = [column.clock for column in judged.values()]
    if not clocks:
        return 1.0
    alpha = false_alarms_a_year / DAYS_A_YEAR
    return limits.scale(tolerances, clocks[0].row_blocks, alpha)
