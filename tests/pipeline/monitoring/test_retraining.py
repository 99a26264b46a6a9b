"""A retraining is asked for by a drift that lasts, once a window, and never for a fault."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.monitoring import retraining
from pipeline.monitoring.acceptance import Acceptance
from pipeline.monitoring.place import Span, Version
from pipeline.monitoring.retraining import Wish
from pipeline.monitoring.verdict import Finding, Verdict
from pipeline.monitoring.verdicts import Row, midnight

DAY = date(2026, 3, 21)
WEEK = timedelta(days=7)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
SERVING = Version(id="71", number="3", spans=(Span(begin=LONG_AGO),))
LEFT = replace(SERVING, spans=(Span(begin=LONG_AGO, end=midnight(DAY)),))
DRIFT = Finding(kind="drift", name="drift", columns=("fare",), sentence="fare", remedy="retrain")
FAULT = replace(DRIFT, kind="fault", name="missing")
FINDINGS = {"drift": (DRIFT,), "fault": (FAULT, DRIFT)}


@dataclass(frozen=True)
class Asked:
    version: str
    day: date


def verdict(kind: str, day: date, id_: str = "71") -> Verdict:
    end = midnight(day + timedelta(days=1))
    return Verdict(
        model="cab",
        deployed_model_id=id_,
        begin=end - WEEK,
        end=end,
        kind=kind,
        sentence=kind,
        findings=FINDINGS.get(kind, ()),
    )


def row(kind: str, day: date, *, id_: str = "71", version: str = "3") -> Row:
    return Row(verdict=verdict(kind, day, id_), version=version, judged_at=midnight(day))


def wish(*kinds: str | None, **change) -> Wish:
    """The kinds of windows that share no day, the newest first; None was not judged."""
    newest, *others = kinds
    days = [DAY - number * WEEK for number in range(1, len(kinds))]
    pairs = zip(others, days, strict=True)
    rows = [row(kind, day) for kind, day in pairs if kind is not None]
    plain = Wish(
        version=SERVING, verdict=verdict(newest, DAY), day=DAY, earlier=rows, acceptances=()
    )
    return replace(plain, **change)


@pytest.mark.parametrize(
    ("kinds", "is_asked"),
    [
        (("drift", "drift", "drift"), True),
        (("drift", "drift", "ok"), True),
        (("drift", "ok", "drift"), True),
        (("drift", None, "drift"), True),
        (("drift", "ok", "ok"), False),
        (("drift", None, None), False),
        (("drift", "ok", "ok", "drift"), False),
        (("drift", "season", "season"), False),
        (("drift", "log incomplete", "fault"), False),
        (("drift", "worse", "ok"), True),
        (("worse", "ok", "ok"), True),
        (("expected worse", "drift", "drift"), False),
        (("ok", "drift", "drift"), False),
        (("season", "drift", "drift"), False),
        (("fault", "drift", "drift"), False),
        (("not enough data", "drift", "drift"), False),
        (("log incomplete", "drift", "drift"), False),
    ],
)
def test_drift_asks_if_it_is_in_two_of_three_windows_and_in_the_newest(kinds, is_asked):
    reason = retraining.refusal(wish(*kinds), ())

    assert (reason is None) is is_asked


@pytest.mark.parametrize(
    ("kinds", "sentence"),
    [
        (("drift", "ok", "ok"), "drift was found in 1 of the last 3 windows, which share no day"),
        (("fault", "drift", "drift"), "it would learn the fault"),
        (("ok", "drift", "drift"), "the verdict is ok"),
    ],
)
def test_the_reason_is_one_sentence(kinds, sentence):
    assert sentence in retraining.refusal(wish(*kinds), ())


def test_windows_that_share_a_day_with_the_newest_do_not_count():
    days = [DAY - timedelta(days=number) for number in range(1, 7)]
    rows = [row("drift", day) for day in days]

    assert "1 of the last 3" in retraining.refusal(wish("drift", earlier=rows), ())


def test_outcomes_that_are_worse_ask_at_once():
    assert retraining.refusal(wish("worse", "ok", "ok"), ()) is None


def test_a_fault_beside_another_verdict_forbids():
    faulty = replace(verdict("drift", DAY), findings=(DRIFT, FAULT))

    reason = retraining.refusal(wish("drift", "drift", verdict=faulty), ())

    assert reason == "it would learn the fault"


def test_a_window_of_another_version_does_not_count():
    other = row("drift", DAY - WEEK, id_="70", version="2")

    reason = retraining.refusal(wish("drift", earlier=[other]), ())

    assert "1 of the last 3" in reason


def test_a_version_on_another_machine_is_the_same():
    before = row("drift", DAY - WEEK, id_="70", version="3")

    assert retraining.refusal(wish("drift", earlier=[before]), ()) is None


def test_a_version_that_has_left_asks_for_nothing():
    reason = retraining.refusal(wish("drift", "drift", version=LEFT), ())

    assert reason == "version 3 has no traffic any more"


def test_a_drift_that_was_accepted_since_is_none():
    acceptance = Acceptance(
        model="cab",
        feature="fare",
        ends_on=DAY,
        because="a new tariff",
        accepted_by="ann",
        accepted_at=midnight(DAY),
    )
    miles = replace(DRIFT, columns=("miles",))
    newest = replace(verdict("drift", DAY), findings=(miles,))

    reason = retraining.refusal(
        wish("drift", "drift", verdict=newest, acceptances=[acceptance]), ()
    )

    assert "1 of the last 3" in reason


@pytest.mark.parametrize(
    ("requests", "is_asked"),
    [
        ([("3", 0)], False),
        ([("3", 1)], False),
        ([("3", 6)], False),
        ([("3", 7)], True),
        ([("2", 0)], False),  # two versions of one window ask once
        ([("2", 1)], True),
        ([("1", 2), ("2", 1)], False),  # twice a week
        ([("1", 7), ("2", 1)], True),
        ([("2", -1)], False),  # a clock that went back
        ([("3", -30)], False),
    ],
)
def test_a_window_asks_once_and_a_week_twice(requests, is_asked):
    """The requests by their version, and how many days before the window they were made."""
    asked = [Asked(version, DAY - timedelta(days=age)) for version, age in requests]

    reason = retraining.refusal(wish("drift", "drift"), asked)

    assert (reason is None) is is_asked
