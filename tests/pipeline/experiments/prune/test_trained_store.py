"""A removal in the store of a model that was really trained: what stays works as before."""

import json
import shutil
from datetime import timedelta

import pytest

from pipeline.experiments.prune import removal
from pipeline.lineage.local_store import LocalStore, folders_of
from pipeline.reproduction import again, origin
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


def test_the_maker_of_a_removed_run_s_model_serves_the_next_run_from_the_cache(
    runs, refused, trained, tmp_path, cli
):
    git = repository(tmp_path / "git")

    outcome = removal.remove(runs, rules(), repository=git)

    assert refused in [each.run for each in outcome.going]
    assert trained.run.name in outcome.spared
    summary = parsed(cli("run", trained.folder, "--runs", runs, "--json"))
    assert states(summary)["Trainer"] == "cached"
    assert states(summary)["Pusher"] in ("cached", "ran")
    assert summary["metrics"] == trained.summary["metrics"]
    lineage = json.loads(cli("lineage", "back", summary["run"], "--runs", runs, "--json").out)
    [made] = lineage["origins"]
    assert made["trained_by"] == trained.run.name
    kept = origin.of(runs, summary["run"])
    folders = folders_of(LocalStore(runs / "store/cab"), summary["run"])
    verdict = again.against(kept, folders, runs, trained.run.name)
    assert verdict.word == "bit-equal"
    gone = cli("lineage", "back", refused, "--runs", runs)
    assert gone.code == 2
    assert gone.sentence.endswith("it is not here any more")
