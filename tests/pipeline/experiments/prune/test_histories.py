"""Whatever runs took from each other's caches, the kept ones stay whole."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.experiments.prune import removal
from pipeline.lineage import walk
from pipeline.lineage.local_store import LocalStore
from tests.pipeline.experiments.prune.old_runs import OldRuns, rules
from tests.pipeline.lineage.local_runs import NODES


class Past(NamedTuple):
    """A run: how far back the run lies that its first nodes are taken from, and its tag."""

    distance: int
    cached: int
    is_kept: bool


PASTS = st.builds(
    Past,
    distance=st.integers(1, 4),
    cached=st.integers(0, len(NODES)),
    is_kept=st.integers(0, 4).map(lambda number: number == 0),
)


def add(cab, pasts):
    """Add the runs, the oldest first; return their ids."""
    runs = []
    for number, past in enumerate(pasts):
        tags = ["keep"] * past.is_kept
        if past.distance <= number:
            maker = runs[-past.distance]
            nodes = list(NODES)[: past.cached]
            runs.append(cab.old(number, of=maker, cached=nodes, tags=tags))
        else:
            runs.append(cab.old(number, tags=tags))
    return runs


@settings(max_examples=15, deadline=None)
@given(st.lists(PASTS, min_size=2, max_size=7))
def test_every_artifact_of_a_kept_run_is_there_with_its_maker(pasts):
    with tempfile.TemporaryDirectory() as name:
        cab = OldRuns(Path(name) / "runs")
        runs = add(cab, pasts)

        outcome = removal.remove(cab.root, rules(), repository=Path(name))

        store = LocalStore(cab.store)
        gone = {each.run for each in outcome.going}
        assert set(store.runs()) == set(runs) - gone
        for run in store.runs():
            assert (cab.root / run / "summary.json").is_file()
            for execution in store.of_run(run):
                step = walk.step_of(store, execution)
                for artifact in [*walk.artifacts_of(step.inputs), *walk.artifacts_of(step.outputs)]:
                    assert (Path(artifact.uri) / "data").is_file()
                    assert store.producer(artifact).run not in gone
        tagged = {run for run, past in zip(runs, pasts, strict=True) if past.is_kept}
        assert not gone & tagged
        assert runs[-1] not in gone
