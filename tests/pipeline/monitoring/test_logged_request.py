"""A logged request's id leads to the version that answered it."""

import json

import pytest

from tests.pipeline.lineage.local_runs import LocalRuns
from tests.pipeline.monitoring import request_logs

VERSION = "1700000000"


@pytest.fixture
def runs(tmp_path) -> LocalRuns:
    local_runs = LocalRuns(tmp_path / "runs")
    local_runs.run("20260201-cab-aaaaaa", version=VERSION, digest="1" * 64)
    local_runs.publish(VERSION)
    return local_runs


@pytest.fixture
def log(bigquery) -> str:
    """The name of a log with one request, told twice."""
    request = request_logs.Request(
        version=VERSION, questions=["{}"], answers=["0.5"], id=4711, second=60.0
    )
    return request_logs.log(bigquery, [request, *request_logs.moved([request], 1.0)])


def test_the_id_of_a_request_goes_back_to_its_version_and_rows(cli, runs, log):
    result = cli("lineage", "back", "4711", "--request-log", log, "--runs", runs.root, "--json")

    assert result.code == 0, result.err
    answer = json.loads(result.out)
    [origin] = answer["origins"]
    assert origin["version"] == VERSION
    assert origin["data"]["digest"] == "1" * 64
    assert answer["at"] == "2026-11-20T00:01:00+00:00"


def test_an_id_that_the_log_does_not_have_is_unknown(cli, runs, log):
    result = cli("lineage", "back", "815", "--request-log", log, "--runs", runs.root)

    assert result.code == 2
    assert "'815' is no model" in result.sentence
