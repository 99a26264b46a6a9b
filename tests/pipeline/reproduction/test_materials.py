"""What a run was made of is looked for at once, and all that is gone is named."""

import pytest

from pipeline.reproduction import materials
from pipeline.reproduction.origin import Origin
from tests.pipeline.conftest import copy_small
from tests.team import MODELS

RUN = "20260101-000000-cab-aaaaaa"


@pytest.fixture(autouse=True)
def models(monkeypatch):
    monkeypatch.setattr(materials, "MODELS", MODELS)


@pytest.fixture
def asked():
    """A run of a commit that is nowhere, of rows that no file has."""
    records = {"code": {"commit": "c" * 40}, "data": {"sha256": "0" * 64}, "training": {}}
    summary = {"run": RUN, "model": "cab", "records": records}
    return Origin(RUN, summary, RUN, summary)


def test_a_model_that_is_being_edited_is_no_obstacle(tmp_path, monkeypatch, asked):
    folder = copy_small("cab", tmp_path)
    (folder / "model.py").write_text("SEED = (")
    monkeypatch.setattr(materials, "MODELS", tmp_path)

    assert [problem for problem in materials.gone(asked, {}) if "data" in problem] == []


def test_rows_are_looked_at_where_git_answers_nothing(tmp_path, monkeypatch, asked):
    monkeypatch.setattr(materials, "REPOSITORY", tmp_path)
    rows = MODELS / "cab/rows.csv"

    problems = materials.gone(asked, {"Trainer": {"model": rows / "nowhere"}})

    no_repository, changed_rows, no_model = problems
    assert "not a git repository" in no_repository
    assert changed_rows.startswith("the data ")
    assert no_model == f"the Trainer's {rows}/nowhere is gone"
