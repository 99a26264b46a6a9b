"""A removal that was killed, at whichever step, is finished by the next one."""

import json
import subprocess
import sys

import pytest

from settings import REPOSITORY
from tests.pipeline.experiments.prune.old_runs import OldRuns, repository, run_id


@pytest.fixture
def template(tmp_path):
    """Two runs that may go, one of them cached from one that stays; each left all there is."""
    place = tmp_path / "template"
    cab = OldRuns(place / "runs")
    maker = cab.old(0)
    cab.cached(1, maker)
    cab.old(2, of=maker, cached=("CsvExampleGen", "ImportSchemaGen", "Transform", "Trainer"))
    cab.cached(3, maker)
    cab.track(run_id(2), "2" * 32)
    cab.module(run_id(2), "2" * 64)
    repository(place / "git", run_id(1), run_id(2), run_id(3))
    return place


def test_a_removal_that_was_killed_at_any_step_is_finished_and_nothing_else_is_lost(template):
    command = [sys.executable, "-m", "tests.pipeline.experiments.prune.killed", str(template)]

    process = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)

    assert process.returncode == 0, process.stderr
    differences = json.loads(process.stdout)
    assert len(differences) > 25  # steps
    assert [names for names in differences if names] == []
