"""Two data sets and a baseline of each; made once a process, since they take seconds."""

import pytest

from tests.pipeline.monitoring import cab, request_logs, samples
from tests.pipeline.monitoring.watched import Dataset


@pytest.fixture(scope="session")
def taxi():
    return samples.taxi()


@pytest.fixture(scope="session")
def flights():
    return samples.flights()


@pytest.fixture(scope="session")
def taxi_baseline(taxi):
    return taxi.baseline()


@pytest.fixture(scope="session")
def flights_baseline(flights):
    return flights.baseline()


@pytest.fixture(scope="session")
def small_baseline(taxi_baseline):
    """Taxi's baseline of a few columns, by which a log is counted faster."""
    return request_logs.of_columns(
        taxi_baseline, ("fare", "trip_seconds", "payment_type", "company")
    )


@pytest.fixture(scope="session")
def bigquery(tmp_path_factory):
    """A client of BigQuery's stand-in, with the dataset demo.log."""
    with request_logs.serving(tmp_path_factory.mktemp("bigquery")) as client:
        yield client


@pytest.fixture(scope="session")
def cab_baseline():
    return cab.baseline(window_days=1)


@pytest.fixture
def dataset(bigquery):
    """A dataset of the test's own, still without a log."""
    dataset = Dataset(bigquery)
    dataset.create()
    return dataset
