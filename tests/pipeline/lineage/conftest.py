"""The ground of the lineage's tests: runs on this machine, and jobs on dev's Vertex."""

import json
from pathlib import Path

import pytest

from environments import DEV
from pipeline.gcp.stage import Stage
from pipeline.lineage.vertex_store import VertexStore
from tests.pipeline.lineage import two_versions
from tests.pipeline.lineage.jobs import Jobs
from tests.pipeline.lineage.local_runs import LocalRuns


@pytest.fixture
def jobs(google) -> Jobs:
    return Jobs(google)


@pytest.fixture
def vertex_store(google) -> VertexStore:
    return VertexStore(Stage(DEV))


@pytest.fixture
def runs(tmp_path: Path) -> LocalRuns:
    """Two published versions of cab; the second was compared with the first."""
    return two_versions.published(tmp_path / "runs")


@pytest.fixture
def ask(runs, cli):
    """The verb's exit code and its JSON."""

    def _ask(*arguments: str):
        result = cli("lineage", *arguments, "--json", "--runs", runs.root)
        return result.code, json.loads(result.out)

    return _ask


@pytest.fixture
def sentence(runs, cli):
    """The verb's exit code and its complaint."""

    def _sentence(*arguments: str) -> tuple[int, str]:
        result = cli("lineage", *arguments, "--runs", runs.root)
        return result.code, result.sentence

    return _sentence
