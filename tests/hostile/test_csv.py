"""A few of the hostile CSVs that `make hostile` tries."""

import random

import pytest

from tests.hostile.csv import cases

SEED = 15
COUNT = 40


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("ESTEIRA_ENVIRONMENT", "pipeline")


def some_cases():
    every_case = list(cases(random.Random(SEED)))
    return [case for case in every_case if case.name.startswith("run: ")][:COUNT]


@pytest.mark.parametrize("case", some_cases(), ids=lambda case: case.name)
def test_a_hostile_csv_ends_in_an_answer_or_a_short_sentence(case, tmp_path):
    outcome = case.outcome(tmp_path)

    assert outcome.code in (0, 1)
    assert len(outcome.text) < 400
    assert "Traceback" not in outcome.text


def test_there_are_at_least_thirty_inputs():
    names = {case.name for case in cases(random.Random(SEED))}

    assert len(names) >= 60


def test_a_seed_makes_the_same_inputs_again(tmp_path):
    first_place, second_place = tmp_path / "first", tmp_path / "second"
    first_case, *_ = cases(random.Random(SEED))
    second_case, *_ = cases(random.Random(SEED))

    first_outcome = first_case.outcome(first_place)
    second_outcome = second_case.outcome(second_place)

    same_text = second_outcome.text.replace(str(second_place), str(first_place))
    assert first_outcome.text == same_text
