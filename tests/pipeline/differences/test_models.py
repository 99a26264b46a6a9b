"""What differs between several runs, of which the first is the base."""

import copy
import json

import pytest

from pipeline.differences import models, text
from pipeline.errors import RunError

SUMMARY = {
    "model": "cab",
    "metrics": {"auc": 0.5},
    "slices": {},
    "intervals": {},
    "records": {
        "code": {"commit": "c" * 40, "files": {"model.py": "a"}},
        "environment": {"python": "3.13.5", "pipfile_lock_sha256": "e" * 64, "packages": {}},
        "data": {"rows": 4},
        "hyperparameters": {"units": 8},
        "training": {"run": "x", "digest": "y", "threads": {"intra_op": 1}},
    },
}


@pytest.fixture
def summary():
    """A summary of a run, with changes of its records."""

    def make(run, **records):
        document = copy.deepcopy(SUMMARY) | {"run": run}
        for name, changes in records.items():
            document["records"][name] |= changes
        return document

    return make


def no_statistics(summary):
    raise RunError("gone")


def difference(*summaries, statistics_of=no_statistics):
    return models.difference(summaries, statistics_of)


def test_the_columns_of_each_run_are_compared_with_the_first_s(summary, statistics):
    folders = {
        "a": statistics("a", fare=[1.0, 2.0, 3.0, 4.0]),
        "c": statistics("c", fare=[11.0, 12.0, 13.0, 14.0]),
    }
    summaries = [summary("a"), summary("b"), summary("c", data={"rows": 5})]

    answer = difference(*summaries, statistics_of=lambda each: folders[each["run"]])

    equal, other = answer["data"]["splits"]
    [column] = other["train"]["columns"]
    assert answer["data"]["records"] == {"rows": [4, 4, 5]}
    assert equal == {}
    assert column["figures"]["mean"] == [2.5, 12.5]
    assert "rows of c:\ntrain: 4 -> 4 rows, 0 columns equal\n" in text.of_models(answer)


def test_statistics_without_a_common_split_are_told(summary, tmp_path):
    summaries = [summary("a"), summary("b", data={"rows": 5})]

    answer = difference(*summaries, statistics_of=lambda _: tmp_path)

    assert answer["unknown"] == ["the columns of b: no split is in the statistics of both"]


def test_what_is_below_a_key_is_compared_by_itself(summary):
    answer = difference(summary("a"), summary("b", training={"threads": {"intra_op": 2}}))

    assert answer["training"] == {"threads.intra_op": [1, 2]}


def test_the_run_and_the_digest_of_a_training_are_no_difference(summary):
    answer = difference(summary("a"), summary("b", training={"run": "z", "digest": "z"}))

    assert text.of_models(answer) == "a -> b\nnothing differs"


def test_a_rate_that_is_no_number_is_equal_to_itself_and_shown(summary):
    first, second, third = [
        summary(run, hyperparameters={"rate": rate})
        for run, rate in (("a", float("nan")), ("b", float("nan")), ("c", 0.5))
    ]

    assert text.of_models(difference(first, second)) == "a -> b\nnothing differs"
    assert difference(first, third)["hyperparameters"] == {"rate": ["nan", 0.5]}


def test_a_change_too_large_for_a_number_is_null(summary):
    first, second = summary("a"), summary("b")
    first["metrics"], second["metrics"] = {"loss": -1e308}, {"loss": 1e308}

    answer = difference(first, second)

    assert answer["metrics"]["all"]["loss"]["changes"] == [None]
    assert "loss (all): -1e+308 -> 1e+308\n" in f"{text.of_models(answer)}\n"


def test_a_column_without_a_mean_is_shown_with_a_dash(summary, statistics):
    folders = {
        "a": statistics("a", fare=[1.0, 3.0], only=[1.0, 1.0]),
        "b": statistics("b", fare=[float("nan"), float("nan")], only=[1.0, 1.0]),
    }
    summaries = [summary("a"), summary("b", data={"rows": 5})]

    answer = difference(*summaries, statistics_of=lambda each: folders[each["run"]])

    json.dumps(answer, allow_nan=False)
    assert "fare: " in text.of_models(answer)


def test_another_interpreter_is_a_difference(summary):
    answer = difference(summary("a"), summary("b", environment={"python": "3.14.0"}))

    assert "environment: python 3.13.5 -> 3.14.0" in text.of_models(answer)


def test_packages_of_a_lock_that_git_lacks_are_those_of_the_summaries(summary):
    environments = [
        {"pipfile_lock_sha256": lock, "packages": {"keras": version, "tfx": "1"}}
        for lock, version in (("1" * 64, "3.1"), ("2" * 64, "3.2"))
    ]

    answer = difference(*(summary("a", environment=each) for each in environments))

    [sentence] = answer["unknown"]
    locks = ["1" * 64, "2" * 64]
    assert answer["packages"] == {"Pipfile.lock": locks, "keras": ["3.1", "3.2"]}
    assert sentence.startswith("the packages: git show failed")


def test_two_files_that_git_lacks_are_named_without_their_lines(summary):
    answer = difference(summary("a"), summary("b", code={"files": {"model.py": "b"}}))

    assert answer["code"]["files"] == [["model.py"]]
    assert answer["code"]["diffs"] == [""]


LACK = "b kept not all that trained (git ignores models/cab/words.txt)"


@pytest.fixture
def not_kept(summary):
    """A run of another model.py, of which git has not all that trained."""
    code = {"files": {"model.py": "b"}, "not_kept": "git ignores models/cab/words.txt"}
    return summary("b", code=code)


def test_lines_that_git_has_not_are_not_compared(summary, not_kept):
    answer = difference(summary("a"), not_kept)

    assert answer["code"]["files"] == [["model.py"]]
    assert answer["unknown"] == [f"the files' lines: {LACK}"]


def test_a_lock_that_git_has_not_is_not_compared(summary, not_kept):
    not_kept["records"]["environment"]["pipfile_lock_sha256"] = "5" * 64
    base = summary("a", code={"commit": "HEAD"})

    answer = difference(base, not_kept)

    assert answer["packages"] == {"Pipfile.lock": ["e" * 64, "5" * 64]}
    assert f"the packages: {LACK}" in answer["unknown"]
