"""Two published versions of cab on this machine; the second was compared with the first."""

from pathlib import Path
from typing import Any

from tests.pipeline.lineage.local_runs import LocalRuns

FIRST, SECOND = "1700000000", "1700003600"  # versions
FIRST_RUN = "20260201-cab-aaaaaa"
SECOND_RUN = "20260301-cab-bbbbbb"
THIRD_RUN = "20260401-cab-cccccc"  # that a test may add
FIRST_MODEL, SECOND_MODEL, THIRD_MODEL = "a1" * 32, "b2" * 32, "c3" * 32
FIRST_COMMIT, SECOND_COMMIT, THIRD_COMMIT = "1" * 40, "2" * 40, "3" * 40
BAD, GOOD = "1" * 64, "2" * 64  # rows


def published(root: Path) -> LocalRuns:
    """Their runs below `root`."""
    local_runs = LocalRuns(root)
    local_runs.run(
        FIRST_RUN,
        digest=BAD,
        model_digest=FIRST_MODEL,
        commit=FIRST_COMMIT,
        version=FIRST,
        packages={"tensorflow": "2.20.0"},
        image="host/p/pipeline@sha256:" + "5" * 64,
        window={"first": "2026-01-01T00:00:00Z", "last": "2026-01-31T00:00:00Z"},
    )
    local_runs.run(
        SECOND_RUN,
        digest=GOOD,
        model_digest=SECOND_MODEL,
        commit=SECOND_COMMIT,
        version=SECOND,
        baseline=FIRST_RUN,
        window={"first": "2026-02-01T00:00:00Z", "last": "2026-02-28T00:00:00Z"},
    )
    local_runs.publish(FIRST)
    local_runs.publish(SECOND)
    return local_runs


def digests_of(answer: dict[str, Any]) -> list[str]:
    """The digests of the models that `forward` tells."""
    return [model["digest"] for model in answer["models"]]
