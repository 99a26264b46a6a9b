"""A removal in the store of a model that was really trained: what stays works as before."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from pipeline.experiments.prune import removal
from tests.pipeline.conftest import edit, parsed, states
from tests.pipeline.experiments.prune.old_runs import LATER, repository, rules


@pytest.fixture
def runs(trained, tmp_path):
    """The runs of the published model, as they are again after the test.

    A cached node knows its folders by their addresses, so that a copy elsewhere would not do.
    """
    aside = trained.runs.rename(tmp_path / "aside")
    yield shutil.copytree(aside, trained.runs)
    shutil.rmtree(trained.runs)
    aside.rename(trained.runs)


@pytest.fixture
def refused(runs, trained, cli):
    """The id of a run that took the model from the cache and was refused by a higher bar.

    A later one was killed.
    """
    file = trained.folder / "model.toml"
    original = file.read_text()
    edit(file, r"^lower_bound = .*$", "lower_bound = 0.999")
    edit(file, r"^least_change = .*$", "least_change = -0.0001")
    run = parsed(cli("run", trained.folder, "--runs", runs, "--json"))["run"]
    file.write_text(original)
    newest = f"{LATER - timedelta(days=1):%Y%m%d-%H%M%S}-cab-ffffff"
    (runs / newest).mkdir()
    return run


ORPHANS = """
SELECT 'event', id FROM Event WHERE artifact_id NOT IN (SELECT id FROM Artifact)
UNION SELECT 'event', id FROM Event WHERE execution_id NOT IN (SELECT id FROM Execution)
UNION SELECT 'path', event_id FROM EventPath WHERE event_id NOT IN (SELECT id FROM Event)
UNION SELECT 'of', id FROM Attribution WHERE artifact_id NOT IN (SELECT id FROM Artifact)
UNION SELECT 'of', id FROM Attribution WHERE context_id NOT IN (SELECT id FROM Context)
UNION SELECT 'in', id FROM Association WHERE execution_id NOT IN (SELECT id FROM Execution)
UNION SELECT 'in', id FROM Association WHERE context_id NOT IN (SELECT id FROM Context)
UNION SELECT 'parent', context_id FROM ParentContext
    WHERE context_id NOT IN (SELECT id FROM Context)
UNION SELECT 'value', execution_id FROM ExecutionProperty
    WHERE execution_id NOT IN (SELECT id FROM Execution)
UNION SELECT 'value', artifact_id FROM ArtifactProperty
    WHERE artifact_id NOT IN (SELECT id FROM Artifact)
UNION SELECT 'unread', id FROM Artifact WHERE id NOT IN (SELECT artifact_id FROM Event)
UNION SELECT 'cache', Context.id FROM Context JOIN Type ON Type.id = type_id
    WHERE Type.name IN ('execution_cache', 'pipeline_run')
    AND Context.id NOT IN (SELECT context_id FROM Association)
"""


def orphans(store):
    """Rows of ML Metadata that belong to none."""
    with closing(sqlite3.connect(store / "metadata.db")) as database:
        return database.execute(ORPHANS).fetchall()


def test_the_maker_of_a_removed_run_s_model_serves_the_next_run_from_the_cache(
    runs, refused, trained, tmp_path, cli
):
    git = repository(tmp_path / "git")

    outcome = removal.remove(runs, rules(), repository=git)

    assert orphans(runs / "store/cab") == []
    assert refused in [each.run for each in outcome.going]
    assert trained.run.name in outcome.spared
    summary = parsed(cli("run", trained.folder, "--runs", runs, "--json"))
    assert states(summary)["Trainer"] == "cached"
    assert states(summary)["Pusher"] in ("cached", "ran")
    assert summary["metrics"] == trained.summary["metrics"]
    lineage = json.loads(cli("lineage", "back", summary["run"], "--runs", runs, "--json").out)
    [made] = lineage["origins"]
    assert made["trained_by"] == trained.run.name
    again = cli("reproduce", summary["run"], "--against", trained.run.name, "--runs", runs)
    assert again.code == 0
    gone = cli("lineage", "back", refused, "--runs", runs)
    assert gone.code == 2
    assert gone.sentence.endswith("it is not here any more")
