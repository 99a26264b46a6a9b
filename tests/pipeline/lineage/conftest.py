"""The ground of the lineage's tests: dev, and jobs on its Vertex."""

import pytest

from environments import DEV
from pipeline.gcp.stage import Stage
from pipeline.lineage.vertex_store import VertexStore
from tests.pipeline.lineage.jobs import Jobs


@pytest.fixture
def jobs(google) -> Jobs:
    return Jobs(google)


@pytest.fixture
def vertex_store(google) -> VertexStore:
    return VertexStore(Stage(DEV))
