"""Two runs' files are compared by the commits that hold them, and only where these hold all."""

import copy

import pytest

from pipeline.differences import models


@pytest.fixture
def old():
    files = {"models/cab/model.py": "1" * 64, "Pipfile.lock": "2" * 64}
    records = {
        "code": {"commit": "HEAD", "files": files},
        "environment": {"pipfile_lock_sha256": "3" * 64},
    }
    return {"run": "old", "model": "cab", "metrics": {}, "slices": {}, "records": records}


@pytest.fixture
def new(old):
    """A run of another model.py, of which git has not all that trained."""
    summary = {**copy.deepcopy(old), "run": "new"}
    code = summary["records"]["code"]
    code["files"]["models/cab/model.py"] = "4" * 64
    code["not_kept"] = "git ignores models/cab/words.txt"
    return summary


@pytest.fixture
def difference(old, new):
    return lambda: models.difference([old, new], statistics_of=None)


LACK = "git ignores models/cab/words.txt"


def test_lines_that_git_has_not_are_not_compared(difference):
    answer = difference()

    assert answer["code"]["files"] == [["models/cab/model.py"]]
    assert f"the lines of new's files: {LACK}" in answer["unknown"]


def test_a_lock_that_git_has_not_is_not_compared(difference, new):
    new["records"]["code"]["files"]["Pipfile.lock"] = "5" * 64

    answer = difference()

    reason = f"new kept not all that trained ({LACK})"
    assert answer["packages"] == {}
    assert f"the packages that no summary names: {reason}" in answer["unknown"]
