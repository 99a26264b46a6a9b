"""What a person has accepted alerts nobody, is shown, and ends by itself."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.errors import ConfigurationError
from pipeline.monitoring import acceptance
from pipeline.monitoring.acceptance import Acceptance
from pipeline.monitoring.verdict import Finding, Verdict

TODAY = date(2026, 3, 10)
ACCEPTED = Acceptance(
    model="cab",
    feature="fare",
    ends_on=date(2026, 4, 1),
    because="the tariff rose",
    accepted_by="ann@desk",
    accepted_at=datetime(2026, 3, 9, 12, tzinfo=UTC),
)
FARE = Finding(kind="fault", name="missing", columns=("fare",), sentence="fare", remedy="mend")
MILES = Finding(kind="drift", name="drift", columns=("miles",), sentence="miles", remedy="retrain")
BOTH = replace(MILES, name="exchanged", columns=("fare", "miles"), sentence="fare and miles")


def verdict(*findings: Finding) -> Verdict:
    end = datetime(2026, 3, 10, tzinfo=UTC)
    first = findings[0]
    return Verdict(
        model="cab",
        deployed_model_id="7",
        begin=end - timedelta(days=7),
        end=end,
        kind=first.kind,
        sentence=first.sentence,
        findings=findings,
    )


def applied(*findings: Finding) -> Verdict:
    return acceptance.applied(verdict(*findings), {"fare": ACCEPTED})


def test_a_verdict_whose_only_finding_is_accepted_needs_nobody_and_says_so():
    result = applied(FARE)

    assert not result.needs_someone
    assert result.sentence == "what changed is accepted: fare"
    [finding] = result.findings
    assert finding.accepted == "accepted by ann@desk until 2026-04-01: the tariff rose"


def test_the_worst_finding_that_nobody_accepted_is_the_verdict():
    result = applied(FARE, MILES)

    assert result.kind == "drift"
    assert result.sentence == "miles"


def test_a_finding_of_two_columns_stays_open_until_both_are_accepted():
    result = applied(BOTH)

    assert result.kind == "drift"
    assert result.findings == (BOTH,)


def test_a_finding_without_a_column_can_not_be_accepted():
    volume = replace(FARE, name="volume", columns=(), sentence="half the requests")

    assert applied(volume) == verdict(volume)


def test_an_acceptance_ends_by_itself():
    last_day = acceptance.valid([ACCEPTED], ACCEPTED.ends_on)
    day_after = acceptance.valid([ACCEPTED], ACCEPTED.ends_on + timedelta(days=1))

    assert last_day == {"fare": ACCEPTED}
    assert day_after == {}


def test_the_newest_acceptance_of_a_column_counts():
    newer = replace(ACCEPTED, because="again", accepted_at=datetime(2026, 3, 10, tzinfo=UTC))

    assert acceptance.valid([newer, ACCEPTED], TODAY) == {"fare": newer}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"feature": "far"}, "--accept is 'far', allowed are the columns of cab: fare, miles"),
        (
            {"ends_on": date(2026, 3, 9)},
            "--until is 2026-03-09, allowed is a day from 2026-03-10 to 2027-03-10",
        ),
        (
            {"ends_on": date(2027, 3, 11)},
            "--until is 2027-03-11, allowed is a day from 2026-03-10 to 2027-03-10",
        ),
        ({"because": " \n"}, "--because is empty, allowed is the reason in a sentence"),
        (
            {"because": "a" * 501},
            f"--because has 501 characters, allowed are 500: {'a' * 57}...",
        ),
    ],
)
def test_an_acceptance_that_nobody_could_mean_is_refused(change, sentence):
    entry = replace(ACCEPTED, **change)

    with pytest.raises(ConfigurationError) as refusal:
        acceptance.check(entry, {"miles", "fare"}, TODAY)

    assert str(refusal.value) == sentence


@pytest.mark.parametrize("days", [0, 365])
def test_an_acceptance_may_last_from_today_to_a_year(days):
    entry = replace(ACCEPTED, ends_on=TODAY + timedelta(days=days))

    acceptance.check(entry, {"fare"}, TODAY)
