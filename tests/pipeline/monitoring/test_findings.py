"""An open finding is told once, until it closes or seven days pass."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.monitoring import findings
from pipeline.monitoring.verdict import Finding, Verdict

FIRST = date(2026, 3, 1)
FARE = Finding(kind="fault", name="missing", columns=("fare",), sentence="fare", remedy="mend")
MILES = Finding(kind="drift", name="drift", columns=("miles",), sentence="miles", remedy="retrain")


def verdict(*found: Finding, kind="fault", id_="7") -> Verdict:
    end = datetime(2026, 3, 2, tzinfo=UTC)
    return Verdict(
        model="cab",
        deployed_model_id=id_,
        begin=end - timedelta(days=7),
        end=end,
        kind=kind,
        sentence=kind,
        findings=found,
    )


def days_told(days: int, without: int | None = None) -> list[int]:
    """The numbers of the days on which a finding is told that all of these days have but one."""
    numbers = []
    open_findings = []
    for number in range(days):
        day = FIRST + timedelta(days=number)
        new = [] if number == without else findings.of(verdict(FARE), day)
        open_findings = findings.continued(new, open_findings)
        for place, entry in enumerate(open_findings):
            if findings.is_due(entry, day):
                numbers.append(number)
                open_findings[place] = replace(entry, told=day)
    return numbers


def test_an_open_finding_is_told_on_its_first_day_and_every_seventh_after_it():
    assert days_told(15) == [0, 7, 14]


def test_a_finding_that_closed_is_told_when_it_opens_again():
    assert days_told(5, without=2) == [0, 3]


def test_a_continued_finding_keeps_its_first_day():
    [earlier] = findings.of(verdict(FARE), FIRST)
    later = findings.of(verdict(FARE), FIRST + timedelta(days=3))

    [entry] = findings.continued(later, [earlier])

    assert entry.since == FIRST


def test_a_fault_of_two_versions_is_one_and_a_drift_is_each_version_s_own():
    fault_7, drift_7 = findings.of(verdict(FARE, MILES, id_="7"), FIRST)
    fault_8, drift_8 = findings.of(verdict(FARE, MILES, id_="8"), FIRST)

    assert fault_7.key == fault_8.key
    assert drift_7.key != drift_8.key


def test_a_log_that_lost_rows_is_told_beside_what_it_shows():
    fault, lost = findings.of(verdict(FARE, kind="log incomplete"), FIRST)

    assert fault.event == "fault"
    assert lost.event == "log_incomplete"


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("log incomplete", "log_incomplete"),
        ("no requests", "no_requests"),
        ("no baseline", "fault"),
    ],
)
def test_each_kind_that_needs_someone_has_an_event(kind, event):
    [entry] = findings.of(verdict(kind=kind), FIRST)

    assert entry.event == event


def test_a_finding_of_a_verdict_that_needs_nobody_is_kept_and_not_told():
    [entry] = findings.of(verdict(MILES, kind="season"), FIRST)

    assert not findings.is_due(entry, FIRST)


def test_an_accepted_finding_is_kept_and_not_told():
    accepted = replace(FARE, accepted="by ann until 2026-04-01: a new tariff")
    [entry] = findings.of(verdict(accepted), FIRST)

    assert entry.finding == accepted
    assert not findings.is_due(entry, FIRST)


def test_a_row_keeps_all_of_a_finding():
    entries = findings.of(verdict(FARE, MILES, kind="log incomplete"), FIRST)

    text = findings.encode(entries)

    assert findings.decode(text) == entries


@pytest.mark.parametrize("text", [None, "", "[", '[{"key": 1}]', '{"a": 2}'])
def test_a_row_that_holds_something_else_has_no_open_finding(text):
    assert findings.decode(text) == []


@pytest.mark.parametrize("kind", ["worse", "expected worse"])
def test_a_version_that_is_worse_or_expected_to_be_is_one_event_of_its_own(kind):
    finding = Finding(kind=kind, name=kind, columns=(), sentence="AUC fell", remedy="retrain")

    [entry] = findings.of(verdict(finding, kind=kind, id_="7"), FIRST)

    assert entry.event == "worse"
    assert entry.key.endswith(":7")
