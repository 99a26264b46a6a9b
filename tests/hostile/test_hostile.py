"""The short form of `make hostile`, its judgement, and the tests that docs/hostile.md names."""

import re
from random import Random

import pytest

from settings import REPOSITORY
from tests.hostile import settings as settings_kind
from tests.hostile import trial
from tests.hostile.__main__ import main
from tests.hostile.case import Outcome

SEED = 15
FEW = 4  # cases of a kind
PAGE = (REPOSITORY / "docs/hostile.md").read_text()
ROWS = re.findall(r"^\| (?!kind )(.+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
NAMED_TEST = re.compile(r"`(tests/[\w/.]+)::(\w+)`")


@pytest.mark.parametrize("kind", trial.kinds())
def test_generated_inputs_end_in_an_answer_or_one_sentence(kind):
    tally = trial.tried(kind, seed=SEED, count=FEW)

    assert tally.failures == []
    assert tally.answers + tally.sentences == FEW


def test_one_case_is_tried_and_the_seed_printed(capsys):
    code = main(["--seed", "15", "--only", "settings:3"])

    output = capsys.readouterr().out
    assert code == 0
    assert output.startswith("seed=15\n")
    assert re.search(r"^settings +1 +\d +\d +0$", output, re.MULTILINE)


@pytest.mark.parametrize("only", ["cvs", "csv:x", "test_http"])
def test_another_kind_is_refused_by_name(only, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--only", only])

    assert exit_.value.code == 2
    assert (
        f"--only is {only!r}, allowed are csv, git_environment, http, " in capsys.readouterr().err
    )


def test_a_seed_generates_the_same_cases():
    first, second = settings_kind.cases(Random(SEED)), settings_kind.cases(Random(SEED))

    names = [next(first).name for _ in range(10)]
    same_names = [next(second).name for _ in range(10)]

    assert names == same_names


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        (Outcome(2, "Traceback (most recent call last):\nKeyError: 1"), "a traceback: "),
        (Outcome(0, "Traceback (most recent call last):\nKeyError: 1"), "a traceback: "),
        (Outcome(1, "one\ntwo"), "2 lines: "),
        (Outcome(2, "x" * 401), "a sentence of 401 characters: "),
        (Outcome(1, " \n"), "exit 1 without a word"),
        (Outcome(-11, "died"), "exit -11: died"),
        (Outcome(137, ""), "exit 137: "),
    ],
    ids=lambda value: str(value)[:30],
)
def test_anything_else_is_a_failure(outcome, fault, tmp_path):
    assert trial.fault_of(outcome, tmp_path).startswith(fault)


@pytest.mark.parametrize(
    "outcome", [Outcome(0, ""), Outcome(3, "not blessed\nby a bar"), Outcome(2, "x" * 400)], ids=str
)
def test_an_answer_or_one_sentence_is_no_failure(outcome, tmp_path):
    assert trial.fault_of(outcome, tmp_path) is None


def test_a_sentence_is_measured_without_its_scratch_folder(tmp_path):
    outcome = Outcome(2, f"{tmp_path}/{'x' * 399}")

    assert trial.fault_of(outcome, tmp_path) is None


def test_the_table_has_each_kind_once():
    kinds = [kind for kind, _, _ in ROWS]

    assert len(kinds) == len(set(kinds)) == 19


@pytest.mark.parametrize(("kind", "line", "tests"), ROWS)
def test_each_kind_has_a_line_and_tests(kind, line, tests):
    assert len(line.split()) >= 8
    assert NAMED_TEST.search(tests)


@pytest.mark.parametrize("kind", trial.kinds())
def test_each_kind_that_is_generated_is_named(kind):
    assert f"`{kind}`" in PAGE


def test_seven_kinds_are_generated():
    assert len(trial.kinds()) == 7


@pytest.mark.parametrize(("path", "test"), NAMED_TEST.findall(PAGE))
def test_each_kind_is_held_by_tests_that_are_there(path, test):
    text = (REPOSITORY / path).read_text()

    assert f"def {test}(" in text
