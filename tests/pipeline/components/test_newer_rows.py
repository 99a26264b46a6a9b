"""Two models are compared on held-out rows after the old one's, or it is said why not."""

from pathlib import Path

import pytest

from pipeline.components.newer_rows import Comparison, Question, compare
from tests.pipeline.tiny_model import (
    LAST,
    LAST_TEXT,
    example,
    export,
    note_last_time,
    rows_after,
    write,
)

QUESTION = Question(
    metric="auc",
    label="late",
    signature="serving_default",
    time_column="when",
    time_type="INT",
)


def right(row):
    return row["x"]


def wrong(row):
    return 1.0 - row["x"]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Artifacts of models: `right` ranks by the label, `wrong` against it."""
    place = tmp_path_factory.mktemp("models")
    right_model = export(place / "right", right)
    wrong_model = export(place / "wrong", wrong)
    return {"right": str(right_model), "wrong": str(wrong_model)}


@pytest.fixture
def last_blessed(models):
    """The right one, whose rows ended at LAST."""
    model = models["right"]
    file = note_last_time(Path(model))
    yield model
    file.unlink()


@pytest.fixture
def held_out(tmp_path):
    """Write rows; return their folder."""
    return lambda rows: str(write(tmp_path, rows))


def test_a_candidate_that_is_worse_on_newer_rows_loses(models, last_blessed, held_out):
    rows = held_out(rows_after(LAST, 300, positives=100))

    result = compare(QUESTION, rows, models["wrong"], last_blessed)

    assert result.last_time == LAST_TEXT
    assert result.rows == 300
    assert result.positives == 100
    assert result.last_blessed > 0.8
    assert result.candidate == pytest.approx(1 - result.last_blessed)
    assert result.high < 0
    assert result.loses


def test_a_candidate_that_is_as_good_does_not_lose(models, last_blessed, held_out):
    rows = held_out(rows_after(LAST, 300, positives=100))

    result = compare(QUESTION, rows, models["right"], last_blessed)

    assert result.change == 0
    assert not result.loses


def test_a_loss_within_the_interval_is_no_loss():
    result = Comparison("auc", rows=300, candidate=0.7, last_blessed=0.71, low=-0.03, high=0.01)

    assert not result.loses


def test_only_rows_after_the_last_one_of_the_old_model_count(models, last_blessed, held_out):
    older = rows_after(LAST - 500, 500, positives=250)
    timeless = [example(None, 1, 0.5)] * 500
    newer = rows_after(LAST, 200, positives=100)
    rows = held_out([*older, *timeless, *newer])

    result = compare(QUESTION, rows, models["right"], last_blessed)

    assert result.rows == 200
    assert result.reason is None


@pytest.mark.parametrize(
    ("count", "positives", "reason"),
    [
        (0, 0, "0 held-out rows are newer, allowed are 200 or more"),
        (199, 100, "199 held-out rows are newer, allowed are 200 or more"),
        (200, 0, "0 of 200 newer held-out rows are positives, allowed are 10 or more of each"),
        (200, 200, "200 of 200 newer held-out rows are positives, allowed are 10 or more of each"),
        (200, 9, "9 of 200 newer held-out rows are positives, allowed are 10 or more of each"),
    ],
)
def test_too_few_rows_are_said_and_not_judged(
    count, positives, reason, models, last_blessed, held_out
):
    rows = held_out(rows_after(LAST, count, positives))

    result = compare(QUESTION, rows, models["wrong"], last_blessed)

    assert result.reason.startswith(reason)
    assert result.candidate is None
    assert not result.loses


def test_an_old_model_without_a_window_is_said_and_not_judged(models, held_out):
    rows = held_out(rows_after(LAST, 300, positives=100))

    result = compare(QUESTION, rows, models["wrong"], models["right"])

    assert result.reason == "the last blessed model does not say which rows it had"
    assert not result.loses
