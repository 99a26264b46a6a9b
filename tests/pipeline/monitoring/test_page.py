"""The page of a model says what is wrong, since when, and what to do."""

from dataclasses import replace

import pytest

from pipeline.monitoring.pages.look import LOOKS
from pipeline.monitoring.pages.page import Version
from pipeline.monitoring.verdict import Smallest
from settings import REPOSITORY
from tests.pipeline.monitoring import small
from tests.pipeline.monitoring.cab_page import page, page_of, version

HEADINGS = [look.heading for look in LOOKS.values() if look.heading]
UNIT = small.finding()
MISSING = small.finding(name="missing", columns=("hour",), remedy="ask for the hour")
ACCEPTED = small.finding(accepted="accepted by ana@team until 2026-12-31: a new tariff")


@pytest.mark.parametrize("kind", LOOKS)
def test_each_verdict_is_told_by_a_symbol_and_a_word(kind):
    document = page_of(kind)

    symbol = LOOKS[kind].symbol
    assert f"{symbol} {kind}" in document.text


@pytest.mark.parametrize("kind", LOOKS)
def test_each_verdict_says_what_to_do(kind):
    document = page_of(kind)

    remedy = LOOKS[kind].remedy
    assert f"What to do: {remedy}" in document.text


def test_the_verdict_is_its_sentence():
    document = page_of("drift", sentence="payment is all cards")

    assert "payment is all cards" in document.text


def test_the_window_is_told_by_its_days():
    document = page_of("ok")

    assert "20 to 26 Nov 2026 (7 days)" in document.text


def test_requests_and_instances_have_thousands_separators():
    document = page_of("ok", requests=52310, instances=61002)

    assert "52,310 with 61,002 instances" in document.text


def test_completeness_is_a_share_of_the_expected_requests():
    document = page_of("ok", requests=9500, expected_requests=10000.0)

    assert "95 % of 10,000 expected" in document.text


def test_completeness_that_nobody_knows_is_said():
    document = page_of("ok")

    assert "not known: nobody has counted all answers of the window" in document.text


def test_the_smallest_change_that_would_have_shown_is_said():
    smallest = Smallest(scale=1.12, share=0.034)

    document = page_of("ok", smallest=smallest)

    assert "a number times 1.12, or a share moved by 3.4 points" in document.text


def test_no_factor_is_said_where_none_would_have_shown():
    smallest = Smallest(scale=None, share=0.034)

    document = page_of("ok", smallest=smallest)

    assert "Smallest change it would show a share moved by 3.4 points" in document.text


def test_a_finding_says_its_name_and_its_column():
    document = page_of("fault", findings=(UNIT,))

    assert "✕ fault unit in fare" in document.text


def test_a_findings_remedy_is_what_to_do():
    document = page_of("fault", findings=(UNIT,))

    assert "What to do: send dollars, not cents" in document.text


def test_a_finding_without_a_column_is_told():
    volume = small.finding(name="volume", columns=())

    document = page_of("fault", findings=(volume,))

    assert "✕ fault volume since" in document.text


def test_a_second_finding_has_its_own_remedy():
    document = page_of("fault", findings=(UNIT, MISSING))

    assert "What to do: ask for the hour" in document.text


def test_an_accepted_finding_says_by_whom_until_when_and_why():
    document = page_of("ok", findings=(ACCEPTED,))

    assert "Accepted by ana@team until 2026-12-31: a new tariff" in document.text


def test_the_column_of_an_accepted_finding_is_no_fault():
    document = page_of("ok", findings=(ACCEPTED,))

    assert "✓ unit, at 0 % of its limit" in document.text


def test_the_remedy_of_an_accepted_finding_is_not_what_to_do():
    document = page_of("fault", findings=(ACCEPTED, MISSING))

    assert "send dollars, not cents" not in document.text
    assert "What to do: ask for the hour" in document.text


def test_a_finding_is_dated_by_the_first_of_the_windows_that_have_it_ever_since():
    both = (UNIT, MISSING)
    history = [
        small.verdict("fault", days_ago=1, findings=both),
        small.verdict("fault", days_ago=2, findings=(UNIT,)),
        small.verdict("ok", days_ago=3),
        small.verdict("fault", days_ago=4, findings=both),
    ]
    verdict = small.verdict("fault", findings=both)

    document = page(version(verdict), history=history)

    assert "unit in fare since 24 Nov 2026" in document.text
    assert "missing in hour since 25 Nov 2026" in document.text


def test_another_versions_history_does_not_date_a_verdict():
    verdict = small.verdict("fault", findings=(UNIT,))
    other = small.verdict("fault", days_ago=1, findings=(UNIT,), deployed_model_id="41")

    document = page(version(verdict), history=[other])

    assert "unit in fare since 26 Nov 2026" in document.text


def test_the_strip_has_ninety_days_each_with_its_verdict():
    history = [small.verdict("drift", days_ago=days) for days in range(1, 120)]
    verdict = small.verdict("ok")

    document = page(version(verdict), history=history)

    assert len(document.days) == 90
    assert document.days[0] == "29 Aug 2026: drift"
    assert document.days[-1] == "26 Nov 2026: ok"


def test_what_was_not_judged_is_said_with_the_reason():
    document = page_of("ok", unjudged={"month": "training has no other month"})

    assert "Not judged month training has no other month" in document.text


def test_each_version_of_a_window_has_its_own_section():
    canary = small.verdict("drift", deployed_model_id="43", requests=100)
    verdict = small.verdict("ok")

    document = page(version(verdict), version(canary))

    sections = [element["id"] for element in document.of("section", "verdict")]
    assert sections == ["version-1", "version-2"]


def test_the_version_that_needs_someone_comes_first():
    canary = small.verdict("drift", deployed_model_id="43", requests=100)
    verdict = small.verdict("ok")

    document = page(version(verdict), version(canary))

    _, _, after_canary = document.text.partition("version 43")
    assert "version 42" in after_canary


def test_a_canary_that_cannot_be_judged_yet_comes_after_the_version_that_is_ok():
    canary = small.verdict("not enough data", deployed_model_id="43", requests=100)
    verdict = small.verdict("ok")

    document = page(version(canary), version(verdict))

    _, _, after_verdict = document.text.partition("version 42")
    assert "version 43" in after_verdict


def test_a_version_without_a_baseline_has_its_verdict_alone():
    verdict = small.verdict("no baseline")

    document = page(Version(verdict=verdict))

    assert "the sentence of no baseline" in document.text
    assert document.of("svg") == []


def test_a_window_without_requests_has_its_verdict_alone():
    verdict = small.verdict("no requests", requests=0, instances=0)

    document = page(version(verdict, window=None, days={}))

    assert "0 with 0 instances" in document.text
    assert document.of("svg") == []


def test_what_the_log_holds_beside_instances_is_counted():
    window = replace(small.profile(), unparsable=1234, foreign=5)
    verdict = small.verdict("ok")

    document = page(version(verdict, window=window))

    assert "1,234 no JSON object, 5 without any of the columns" in document.text


def test_the_runbooks_page_the_report_and_the_overview_are_linked():
    verdict = small.verdict("fault")
    addresses = {"runbook": "https://code.example/runbook.md", "overview": "index.html"}

    document = page(version(verdict, report="../report.html"), **addresses)

    links = [element["href"] for element in document.of("a")]
    assert links == ["index.html", "https://code.example/runbook.md#fault", "../report.html"]


def test_the_runbooks_page_is_named_where_no_link_leads_to_it():
    document = page_of("fault")

    assert "docs/runbook.md: Fault" in document.text


@pytest.mark.parametrize("heading", HEADINGS)
def test_the_runbook_has_each_heading_that_a_page_links(heading):
    runbook = (REPOSITORY / "docs/runbook.md").read_text()

    assert f"\n## {heading}\n" in runbook
