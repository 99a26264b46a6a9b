"""Two published versions of cab on this machine; the second was compared with the first."""

from pathlib import Path

from tests.pipeline.lineage.local_runs import LocalRuns

FIRST, SECOND = "1700000000", "1700003600"  # versions
FIRST_RUN, SECOND_RUN = "20260201-cab-aaaaaa", "20260301-cab-bbbbbb"
BAD, GOOD = "1" * 64, "2" * 64  # rows


def published(root: Path) -> LocalRuns:
    """Their runs below `root`."""
    local_runs = LocalRuns(root)
    local_runs.run(
        FIRST_RUN,
        digest=BAD,
        model_digest="a1" * 32,
        commit="1" * 40,
        version=FIRST,
        packages={"tensorflow": "2.20.0"},
        image="host/p/pipeline@sha256:" + "5" * 64,
        window={"first": "2026-01-01T00:00:00Z", "last": "2026-01-31T00:00:00Z"},
    )
    local_runs.run(
        SECOND_RUN,
        digest=GOOD,
        model_digest="b2" * 32,
        commit="2" * 40,
        version=SECOND,
        baseline=FIRST_RUN,
        window={"first": "2026-02-01T00:00:00Z", "last": "2026-02-28T00:00:00Z"},
    )
    local_runs.publish(FIRST)
    local_runs.publish(SECOND)
    return local_runs
