"""A run's summary, and the card that it makes."""

import pytest

from pipeline.cards import content
from pipeline.cards.owner import Owner
from pipeline.model.folder import ModelFolder
from tests.team import MODELS


@pytest.fixture
def summary():
    metrics = {"example_count": 500.0, "auc": 0.8125, "recall": 0.4375}
    slices = {"payment=card | cash": {"example_count": 40.0, "auc": 0.75}}
    check = {
        "metric": "auc",
        "slice": "all",
        "value": 0.8125,
        "lower_bound": 0.65,
        "holds": True,
    }
    data = {"rows": 1500, "rows_dropped": 3, "digest": "d" * 64}
    environment = {"pipfile_lock_sha256": "e" * 64, "packages": {"tfx": "1.21.0"}}
    records = {
        "code": {"commit": "c" * 40, "changed_files": []},
        "environment": environment,
        "data": data,
        "hyperparameters": {"units": 8},
        "metrics": metrics,
        "model_type": {"kind": "binary classifier", "parameters": 321},
        "training": {"digest": "a" * 64, "run": "20260101-000000-cab-000000", "seed": 7},
    }
    return {
        "run": "20260102-000000-cab-111111",
        "model": "cab",
        "purpose": "Tell whether a trip is long.",
        "started": "2026-01-02T00:00:00+00:00",
        "metrics": metrics,
        "slices": slices,
        "intervals": {"all": {"auc": [0.78125, 0.84375]}},
        "gate": [check],
        "decision": {"blessed": True, "published": None, "reason": "published: all is well"},
        "records": records,
    }


@pytest.fixture
def make_card(summary):
    """The summary's card with an owner's words."""
    declaration = ModelFolder(MODELS / "cab").declaration

    def make(**words):
        return content.compose(summary, declaration, {"fare": "FLOAT"}, Owner(**words))

    return make
