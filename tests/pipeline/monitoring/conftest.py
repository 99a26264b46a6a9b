"""Two data sets and a baseline of each; made once a process, since they take seconds."""

import pytest

from tests.pipeline.monitoring import samples


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
