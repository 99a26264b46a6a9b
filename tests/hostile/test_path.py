"""A hostile path ends in an answer or a sentence."""

from random import Random

import pytest

from tests.hostile import path

SEED = 15
CASES = list(path.cases(Random(SEED)))


def test_there_are_thirty_and_more():
    names = {case.name for case in CASES}

    assert len(names) >= 30


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_a_path_is_taken_or_refused_in_a_sentence(case, tmp_path, monkeypatch):
    monkeypatch.setenv("ESTEIRA_ENVIRONMENT", "pipeline")

    outcome = case.outcome(tmp_path)

    assert outcome.code in (0, 1, 2)
    assert len(outcome.text) < 400
    assert "Traceback" not in outcome.text
