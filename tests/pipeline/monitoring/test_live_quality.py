"""Worse, late, of one class, contradicting or none: what outcomes make of a verdict."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from pipeline.baseline.content import Gate, Slice
from pipeline.monitoring.outcomes.counts import LabelCounts, oldest
from pipeline.monitoring.quality import live, verdicts
from tests.pipeline.monitoring import small
from tests.pipeline.monitoring.scored import binned, calibration_of, fifty_bins

DELAY = 7
LAST = small.LAST
END = LAST - timedelta(days=DELAY)  # of the window that is measured
CASH = Slice(column="payment", value="Cash")
GATE = Gate(metric="auc", lower_bound=0.7, slice_bounds=(0.6,))


def world(rows, seed, *, noise=0.0):
    """Scores that are right, but for the share `noise` of outcomes that are anybody's."""
    generator = np.random.default_rng(seed)
    scores = generator.beta(0.7, 1.3, rows)
    labels = generator.random(rows) < scores
    is_noise = generator.random(rows) < noise
    return scores, np.where(is_noise, generator.random(rows) < 0.3, labels)


@pytest.fixture(scope="module")
def baseline():
    return small.baseline(gate=GATE, slices=(CASH,), calibration=calibration_of(*world(9000, 1)))


def counts(rows=1000, *, seed=2, noise=0.0, labelled=1.0, age=1, **changes):
    """A day's outcomes; all of them became known at this age."""
    scores, labels = world(rows, seed, noise=noise)
    known = int(rows * labelled)
    negatives, positives = binned(scores[:known], labels[:known])
    ages = [0] * (oldest(DELAY) + 1)
    ages[age] = known
    values = {
        "negatives": tuple(negatives.tolist()),
        "positives": tuple(positives.tolist()),
        "ages": tuple(ages),
        "labelled": known,
        "unlabelled": rows - known,
        "squares": known,
    }
    return LabelCounts(**values | changes)


def each_day(of_window, of_earlier=None, of_slice=None):
    """By slice and day: the window's seven days, and forty before them."""
    days = [END - timedelta(days=back) for back in range(47)]
    whole = {day: of_window if place < 7 else of_earlier for place, day in enumerate(days)}
    return {
        "": {day: day_counts for day, day_counts in whole.items() if day_counts},
        "payment=Cash": dict.fromkeys(days[:7], of_slice) if of_slice else {},
    }


def measured(baseline, of_window, of_earlier=None, of_slice=None):
    days = each_day(of_window, of_earlier, of_slice)
    return live.measure(baseline, days, LAST, DELAY)


def verdict_of(quality, kind="ok", **changes):
    return verdicts.applied(small.verdict(kind, **changes), quality)


def test_outcomes_as_good_as_at_training_leave_the_verdict(baseline):
    quality = measured(baseline, counts())

    verdict = verdict_of(quality)

    assert verdict.kind == "ok"
    assert verdict.sentence.startswith("the sentence of ok; AUC is 0.8")
    assert "asked from 2026-11-13 to 2026-11-19" in verdict.sentence


def test_an_interval_below_the_gate_s_bound_is_worse(baseline):
    quality = measured(baseline, counts(noise=0.7))

    verdict = verdict_of(quality)

    assert verdict.kind == "worse"
    assert verdict.needs_someone
    assert verdict.sentence.startswith("AUC fell to 0.589 (0.575 to 0.605; the gate asks 0.7)")
    assert verdict.findings[0].kind == "worse"


def test_a_figure_below_whose_interval_is_not_is_no_news(baseline):
    bound = measured(baseline, counts(50)).parts[0].figure.value + 0.005
    strict = replace(baseline, gate=replace(GATE, lower_bound=bound))
    assert measured(strict, counts(50)).worse == ()


def test_a_slice_below_its_own_bound_is_worse(baseline):
    quality = measured(baseline, counts(), of_slice=counts(noise=1.0))

    verdict = verdict_of(quality)

    assert verdict.kind == "worse"
    assert verdict.sentence.startswith("AUC of payment=Cash fell to 0.490 (")


def test_a_slice_of_few_rows_has_no_figure(baseline):
    quality = measured(baseline, counts(), of_slice=counts(28, noise=1.0))
    assert [part.slice for part in quality.parts] == [""]


def test_the_days_that_are_younger_than_the_delay_are_not_measured(baseline):
    days = {LAST - timedelta(days=back): counts() for back in range(30)}
    quality = live.measure(baseline, {"": days}, LAST, DELAY)
    assert quality.end == END
    assert quality.parts[0].figure.rows == 7000


def test_drift_where_the_metric_holds_says_so(baseline):
    drift = small.finding(kind="drift", name="drift", sentence="fare moved")

    verdict = verdict_of(measured(baseline, counts()), "drift", findings=(drift,))

    assert verdict.kind == "drift"
    assert "; the metric holds: AUC is 0.8" in verdict.sentence


def test_drift_explains_what_is_worse(baseline):
    drift = small.finding(kind="drift", name="drift", sentence="fare moved")

    verdict = verdict_of(measured(baseline, counts(noise=0.7)), "drift", findings=(drift,))

    assert verdict.kind == "worse"
    assert verdict.sentence.endswith("; drift in fare")
    assert [finding.kind for finding in verdict.findings] == ["worse", "drift"]


@pytest.mark.parametrize("kind", ["fault", "log incomplete"])
def test_what_may_have_caused_it_comes_first(baseline, kind):
    verdict = verdict_of(measured(baseline, counts(noise=0.7)), kind)
    assert verdict.kind == kind
    assert "AUC fell to" in verdict.sentence
    assert verdict.findings[-1].kind == "worse"


USUAL = counts(labelled=0.9, age=5)
NO_FIGURES = {
    "never": (counts(labelled=0), "no usable outcome of 7,000 keyed instances is known, where 90"),
    "late": (counts(labelled=0.3), "outcomes of only 30 % of 7,000 keyed instances are known, wh"),
    "without keys": (LabelCounts(unkeyed=90), "none of 630 instances has a _key to join outcomes"),
    "for unknown rows": (
        counts(labelled=0, arrived=5),
        "no usable outcome of 7,000 keyed instances is known, and those that came have keys of no",
    ),
    "contradicting": (
        counts(labelled=0, unlabelled=0, contradicting=9),
        "; not counted: 63 with both outcomes",
    ),
    "invalid": (counts(labelled=0, invalid=9), "; not counted: 63 with an outcome that is neither"),
}


@pytest.mark.parametrize(("of_window", "sentence"), NO_FIGURES.values(), ids=NO_FIGURES)
def test_outcomes_that_allow_no_figure_are_one_sentence(baseline, of_window, sentence):
    quality = measured(baseline, of_window, USUAL)
    assert quality.parts == ()
    assert sentence in quality.sentence.replace("\N{NO-BREAK SPACE}", " ")


def test_outcomes_of_one_class_are_one_sentence(baseline):
    day = counts()
    one_class = replace(day, positives=(0,) * len(day.positives))
    quality = measured(baseline, one_class)
    assert quality.parts == ()
    assert "labelled rows are negatives, asked from" in quality.sentence


def test_fewer_than_two_hundred_outcomes_are_one_sentence(baseline):
    quality = measured(baseline, counts(28))
    assert quality.sentence.startswith("196 labelled rows, a figure needs 200, asked from")


def test_four_fifths_of_the_usual_outcomes_are_ripe(baseline):
    assert measured(baseline, counts(labelled=0.73), USUAL).parts
    assert not measured(baseline, counts(labelled=0.71), USUAL).parts


def test_what_is_usual_is_what_was_known_at_the_same_age(baseline):
    late_days = counts(labelled=0.9, age=oldest(DELAY))
    assert measured(baseline, counts(labelled=0.1), late_days).maturity.usual == 0


def test_a_baseline_without_a_gate_has_no_quality():
    assert measured(small.baseline(), counts()) is None


def expected(baseline, seed, rows=5000, *, by=1.0):
    scores, _ = world(rows, seed)
    window = replace(small.profile(), scores=tuple(fifty_bins(scores**by).tolist()))
    return live.expect(baseline, window, LAST - timedelta(days=6), LAST)


def test_without_outcomes_scores_that_promise_less_are_expected_worse(baseline):
    narrow = small.baseline(gate=GATE, calibration=baseline.calibration)
    middle = tuple(2500 if place in (14, 16) else 0 for place in range(50))
    window = replace(small.profile(), scores=middle)

    quality = live.expect(narrow, window, LAST, LAST)
    verdict = verdict_of(quality)

    assert verdict.kind == "expected worse"
    assert verdict.needs_someone
    assert verdict.sentence.startswith("AUC is expected to be 0.5")


def test_outcomes_that_allow_a_figure_beat_what_is_expected(baseline):
    by_outcomes = measured(baseline, counts())
    assert verdicts.chosen(by_outcomes, expected(baseline, 3)) == by_outcomes


def test_where_outcomes_allow_none_the_expected_figure_says_why(baseline):
    quality = verdicts.chosen(measured(baseline, counts(28)), expected(baseline, 3))
    assert quality.source == "scores"
    assert quality.sentence.startswith("AUC is expected to be 0.8")
    assert "; 196 labelled rows, a figure needs 200" in quality.sentence
    assert quality.maturity.keyed == 196
