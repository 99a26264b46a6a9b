"""`submit` says what it lacks before it asks Google, and tries what lies here."""

import pytest

REFUSALS = {
    "neither": ((), "has neither --experiment nor --watch"),
    "a model alone": (("cab",), "has neither --experiment nor --watch"),
    "no model": (("--experiment",), "--experiment has no model"),
    "no run": (("--watch",), "names no run"),
    "a model beside a run": (("cab", "--watch", "x-dev-ana-cab-1"), "has a model beside it"),
    "a run beside an experiment": (
        ("cab", "--experiment", "--watch", "x-dev-ana-cab-1"),
        "allowed with --experiment is none",
    ),
    "an unknown stage": (("cab", "--experiment", "--env", "moon"), "--env is 'moon'"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_it_cannot_do_is_a_sentence(cli, case):
    arguments, complaint = REFUSALS[case]

    result = cli("submit", "--env", "dev", *arguments)

    assert result.code == 2
    assert complaint in result.sentence
    assert result.out == ""


def test_an_unknown_model_is_told_before_google_is_asked(cli):
    result = cli("submit", "nosuch", "--experiment", "--env", "dev")

    assert result.code == 2
    assert "there is no model 'nosuch', allowed are" in result.sentence


def test_it_has_no_stage_of_its_own(cli):
    result = cli("submit", "cab", "--experiment")

    assert result.code == 2
    assert "--env" in result.sentence
