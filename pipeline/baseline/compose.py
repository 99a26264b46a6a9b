"""The baseline of a trained model: its training rows in counts, and the limits they set."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from pipeline.baseline import counting, limits, max_t
from pipeline.baseline.columns import Clock, Settings, TrainingColumn, training_column
from pipeline.baseline.content import Baseline, Calibration, Column, Gate, Labels, Slice
from pipeline.baseline.max_t import Tolerance
from pipeline.baseline.pairs import TrainingPair, training_pairs
from pipeline.baseline.profile import Profile


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
    gate: Gate | None = None,
    labels_table: Labels | None = None,
) -> Baseline:
    """The baseline of the training `rows`; `times` are the rows' times.

    `scores` and `labels` are of held-out rows; `schema` has each served column's type.
    """
    clock = Clock.of(times, rows.num_rows, settings.window_days)
    training_columns = _training_columns(rows, schema, settings, clock)
    columns = _columns(training_columns, settings, importances)
    judged = {name: training_columns[name] for name in columns if not columns[name].unjudged}
    pairs = training_pairs(judged)
    calibration = _calibration(scores, labels)
    alpha = limits.daily_alpha(settings.false_alarms_a_year)
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
        scale=max_t.scale(_tolerances(judged, columns, pairs), clock.row_blocks, alpha),
        false_alarms_a_year=settings.false_alarms_a_year,
        window_days=settings.window_days,
        gate=gate,
        labels=labels_table,
    )


def _training_columns(
    rows: pa.Table, schema: Mapping[str, str], settings: Settings, clock: Clock
) -> dict[str, TrainingColumn]:
    columns = {}
    for name, type_name in schema.items():
        array = counting.values(rows, name)
        personal = name in settings.personal
        columns[name] = training_column(name, type_name, array, personal=personal, clock=clock)
    return columns


def _columns(
    training_columns: Mapping[str, TrainingColumn],
    settings: Settings,
    importances: Mapping[str, float],
) -> dict[str, Column]:
    return {
        name: column.column(settings, importances.get(name))
        for name, column in training_columns.items()
    }


def _calibration(scores: ArrayLike, labels: ArrayLike) -> Calibration:
    numbers = np.asarray(scores, dtype=np.float64)
    positive = np.asarray(labels) == 1
    rows = counting.score_counts(numbers)
    positives = counting.score_counts(numbers[positive])
    return Calibration(rows=rows, positives=positives)


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


def _tolerances(
    judged: Mapping[str, TrainingColumn],
    columns: Mapping[str, Column],
    pairs: Sequence[TrainingPair],
) -> list[Tolerance]:
    """The tolerances of the limits not set in model.toml."""
    calibrated = [name for name in judged if not columns[name].limit_is_set]
    of_columns = [judged[name].tolerance(columns[name]) for name in calibrated]
    return of_columns + [pair.tolerance() for pair in pairs]
