"""The page of a model says what is wrong, how much, since when, and what to do."""

import time
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.baseline.content import Bins
from pipeline.baseline.profile import ColumnCounts
from pipeline.monitoring.look import LOOKS
from pipeline.monitoring.page import Version, render
from pipeline.monitoring.verdict import Smallest
from settings import REPOSITORY
from tests.pipeline.monitoring import small
from tests.pipeline.monitoring.pages import Page

# Cash falls from 66 % to 41 %, Card rises from 33 % to 58 %.
MOVED = ColumnCounts(bins=(4100, 5800, 100))
RAISED = ColumnCounts(bins=(2000, 3000, 5000))


def version(window=None, verdict=None, **changes):
    counted = small.profile() if window is None else window
    values = {
        "verdict": verdict or small.verdict(),
        "baseline": small.baseline(),
        "window": counted,
        "days": small.every_day(small.profile()),
    }
    return Version(**values | changes)


def page(*versions, **changes):
    return Page(render(versions or [version()], stage="prod", **changes))


@pytest.mark.parametrize("kind", LOOKS)
def test_each_verdict_is_told_by_a_symbol_and_a_word(kind):
    document = page(version(verdict=small.verdict(kind)))

    assert f"{LOOKS[kind].symbol} {kind}" in document.text


@pytest.mark.parametrize("kind", LOOKS)
def test_each_verdict_says_what_to_do(kind):
    document = page(version(verdict=small.verdict(kind)))

    assert f"What to do: {LOOKS[kind].remedy}" in document.text


def test_the_verdict_is_its_sentence():
    document = page(version(verdict=small.verdict("drift", sentence="payment is all cards")))

    assert "payment is all cards" in document.text


def test_the_window_is_told_by_its_days():
    document = page()

    assert "20 to 26 Nov 2026 (7 days)" in document.text


def test_requests_and_instances_have_thousands_separators():
    verdict = small.verdict(requests=52310, instances=61002)

    document = page(version(verdict=verdict))

    assert "52,310 with 61,002 instances" in document.text


def test_completeness_is_a_share_of_the_expected_requests():
    verdict = small.verdict(requests=9500, expected_requests=10000.0)

    document = page(version(verdict=verdict))

    assert "95 % of 10,000 expected" in document.text


def test_completeness_that_nobody_knows_is_said():
    document = page()

    assert "not known: answers are not counted here" in document.text


def test_the_smallest_change_that_would_have_shown_is_said():
    verdict = small.verdict(smallest=Smallest(scale=1.12, share=0.034))

    assert (
        "a number times 1.12, or a share moved by 3.4 points" in page(version(verdict=verdict)).text
    )


def test_a_finding_says_its_name_its_column_and_its_remedy():
    verdict = small.verdict("fault", findings=(small.finding(),))

    document = page(version(verdict=verdict))

    assert "✕ fault unit in fare" in document.text
    assert "What to do: send dollars, not cents" in document.text


def test_a_finding_without_a_column_is_told():
    volume = small.finding(name="volume", columns=(), sentence="half of the usual requests")

    document = page(version(verdict=small.verdict("fault", findings=(volume,))))

    assert "✕ fault volume since" in document.text


def test_a_second_finding_has_its_own_remedy():
    second = small.finding(name="missing", columns=("hour",), remedy="ask for the hour")
    verdict = small.verdict("fault", findings=(small.finding(), second))

    document = page(version(verdict=verdict))

    assert "What to do: ask for the hour" in document.text


def test_an_accepted_finding_says_by_whom_until_when_and_why():
    accepted = small.finding(accepted="accepted by ana@team until 2026-12-31: a new tariff")

    document = page(version(verdict=small.verdict(findings=(accepted,))))

    assert "Accepted by ana@team until 2026-12-31: a new tariff" in document.text


def test_a_column_whose_finding_was_accepted_is_no_fault():
    accepted = small.finding(accepted="accepted by ana@team until 2026-12-31: a new tariff")

    document = page(version(verdict=small.verdict(findings=(accepted,))))

    assert "✓ unit, at 0 % of its limit" in document.text


def test_what_was_accepted_is_not_what_to_do():
    accepted = small.finding(accepted="accepted by ana@team until 2026-12-31: a new tariff")
    second = small.finding(name="missing", columns=("hour",), remedy="ask for the hour")
    verdict = small.verdict("fault", findings=(accepted, second))

    document = page(version(verdict=verdict))

    assert "send dollars, not cents" not in document.text
    assert "What to do: ask for the hour" in document.text


def test_a_finding_is_dated_by_the_first_of_the_windows_that_have_it_ever_since():
    findings = (small.finding(), small.finding(name="missing", columns=("hour",)))
    verdict = small.verdict("fault", findings=findings)
    history = [
        small.verdict("fault", days_ago=1, findings=findings),
        small.verdict("fault", days_ago=2, findings=findings[:1]),
        small.verdict("ok", days_ago=3),
        small.verdict("fault", days_ago=4, findings=findings),
    ]

    document = page(version(verdict=verdict), history=history)

    assert "unit in fare since 24 Nov 2026" in document.text
    assert "missing in hour since 25 Nov 2026" in document.text


def test_another_versions_history_does_not_date_a_verdict():
    findings = (small.finding(),)
    history = [small.verdict("fault", days_ago=1, findings=findings, deployed_model_id="41")]
    verdict = small.verdict("fault", findings=findings)

    document = page(version(verdict=verdict), history=history)

    assert "unit in fare since 26 Nov 2026" in document.text


def test_the_strip_has_ninety_days_each_with_its_verdict():
    history = [small.verdict("drift", days_ago=days) for days in range(1, 120)]

    document = page(history=history)

    cells = [element for element in document.of("i") if element.get("title")]
    assert len(cells) == 90
    assert cells[0]["title"] == "29 Aug 2026: drift"
    assert cells[-1]["title"] == "26 Nov 2026: ok"


def test_columns_come_by_excess_times_importance():
    window = small.profile(fare=RAISED, payment=MOVED, hour=ColumnCounts(bins=(9000, 1000, 0)))

    document = page(version(window, small.verdict("drift")))

    assert column_names(document) == ["payment", "fare", "hour"]


def test_columns_of_findings_come_first_and_in_their_order():
    window = small.profile(fare=RAISED, payment=MOVED)
    findings = (small.finding(columns=("hour",)), small.finding(columns=("fare",)))

    document = page(version(window, small.verdict("fault", findings=findings)))

    assert column_names(document) == ["hour", "fare", "payment"]


def test_a_category_shows_training_and_served_shares_of_each_value():
    window = small.profile(payment=MOVED)

    document = page(version(window, small.verdict("drift")))

    assert "Cash 66 % → 41 %" in document.text
    assert "all others 1 % → 1 %" in document.text
    assert "missing 0 % → 0 %" in document.text


def test_the_distance_and_its_limit_are_said_in_words():
    window = small.profile(payment=MOVED)

    document = page(version(window, small.verdict("drift")))

    assert "distance 0.046 bits, limit 0.01" in document.text
    assert "Card: 33 % → 58 % (+25 points, limit " in document.text


def test_importance_is_said():
    document = page()

    assert "importance 0.30" in document.text


def test_values_without_a_bin_are_named_with_their_share():
    counts = ColumnCounts(bins=(3000, 2000, 5000), other_values={"cash": 4000, "card": 50})

    document = page(version(small.profile(payment=counts), small.verdict("fault")))

    assert "among all others: cash 40 %" in document.text
    assert "card 0.5" not in document.text


def test_a_number_shows_each_bin_the_missing_and_the_text_among_them():
    counts = ColumnCounts(bins=(4000, 3000, 1000), missing=1500, mistyped=500)

    document = page(version(small.profile(fare=counts), small.verdict("fault")))

    text = document.text
    assert "below 5: 50 % → 40 %" in text
    assert "missing: 0 % → 15 %" in text
    assert "text: 0 % → 5 %" in text


def test_text_among_numbers_has_no_place_where_there_is_none():
    document = page()

    assert "text: " not in document.text


def test_a_whole_number_is_told_without_halves():
    document = page()

    assert "12 to 17: 30 % → 30 %" in document.text


def test_ninety_days_have_a_gap_for_days_without_data():
    days = small.every_day(small.profile())
    for back in (30, 31, 60):
        del days[small.LAST - timedelta(days=back)]

    document = page(version(days=days))

    assert len(document.of("polyline")) == 3 * 3  # runs of each of three columns


def test_days_over_the_limit_are_marked_and_the_first_of_them_is_said():
    days = small.every_day(small.profile())
    for back in range(14):
        days[small.LAST - timedelta(days=back)] = small.profile(payment=MOVED)

    document = page(version(small.profile(payment=MOVED), small.verdict("drift"), days=days))

    assert len(document.of("circle", "over")) == 13
    assert "times its limit since 14 Nov 2026" in document.text


def test_a_limit_is_drawn_for_each_column():
    assert len(page().of("path", "limit")) == 3


def test_what_was_not_judged_is_said_with_the_reason():
    verdict = small.verdict(unjudged={"month": "training has no other month"})

    document = page(version(verdict=verdict))

    assert "month training has no other month" in document.text


def test_each_version_of_a_window_has_its_own_section():
    canary = small.verdict("drift", deployed_model_id="43", requests=100)

    document = page(version(), version(verdict=canary))

    assert "2 versions were served" in document.text
    assert [element["id"] for element in document.of("section", "verdict")] == [
        "version-1",
        "version-2",
    ]


def test_the_version_that_needs_someone_comes_first():
    canary = small.verdict("drift", deployed_model_id="43", requests=100)

    document = page(version(), version(verdict=canary))

    assert document.text.index("version 43") < document.text.index("version 42")


def test_a_canary_that_cannot_be_judged_yet_comes_after_the_version_that_is_ok():
    canary = small.verdict("not enough data", deployed_model_id="43", requests=100)

    document = page(version(verdict=canary), version())

    assert document.text.index("version 42") < document.text.index("version 43")


def test_too_few_requests_are_drawn_and_not_called_within_their_limits():
    document = page(version(verdict=small.verdict("not enough data")))

    assert "too little to be judged" in document.text
    assert "✓ at" not in document.text


def test_a_version_without_a_baseline_has_its_verdict_alone():
    document = page(Version(verdict=small.verdict("no baseline")))

    assert "the sentence of no baseline" in document.text
    assert document.of("svg") == []


def test_a_window_without_requests_has_its_verdict_alone():
    empty = small.profile_of({"fare": ColumnCounts(bins=(0, 0, 0))})

    document = page(version(empty, small.verdict("no requests", requests=0, instances=0), days={}))

    assert "0 with 0 instances" in document.text
    assert document.of("svg") == []


def test_what_the_log_holds_beside_instances_is_counted():
    window = replace(small.profile(), unparsable=1234, foreign=5)

    document = page(version(window))

    assert "1,234 no JSON object, 5 without any of the columns" in document.text


def test_other_pages_are_linked():
    document = page(
        version(verdict=small.verdict("fault"), report="../report.html"),
        runbook="https://code.example/runbook.md",
        overview="overview.html",
    )

    links = [element["href"] for element in document.of("a")]
    assert links == ["overview.html", "https://code.example/runbook.md#fault", "../report.html"]


@pytest.mark.parametrize("look", [look for look in LOOKS.values() if look.heading])
def test_the_runbook_has_each_heading_that_a_page_links(look):
    runbook = (REPOSITORY / "docs/runbook.md").read_text()

    assert f"\n## {look.heading}\n" in runbook


def test_a_page_asks_the_network_for_nothing():
    document = page(version(report="https://example.com/report.html"), overview="overview.html")

    assert list(document.requests) == []


def test_a_page_needs_no_script():
    assert "script" not in page().names


@settings(max_examples=10)
@given(name=st.text(min_size=1), value=st.text(min_size=1), sentence=st.text())
def test_hostile_names_and_values_are_text_and_nothing_else(name, value, sentence):
    document = hostile_page(f"<script>{name}", f"'\"><img src=x>{value}", f"</style>{sentence}")

    assert document.names == hostile_page("name", "value", "sentence").names


def test_a_page_of_hostile_names_can_be_written():
    html = hostile_html("\ud800", "\x00\u202e", "\ud83d")

    assert html.encode()


def test_a_very_long_name_is_cut():
    document = hostile_page("n" * 5000, "v" * 5000, "s" * 5000)

    assert max(map(len, document.text.split())) <= 600


def test_eighteen_columns_and_ninety_days_are_drawn_within_a_second():
    html, seconds = timed_page(18, small.every_day)

    assert seconds < 1
    assert len(html.encode()) < 200_000


def test_a_thousand_columns_stay_below_a_megabyte():
    html, _ = timed_page(1000, lambda profile: {small.LAST: profile})

    assert len(html.encode()) < 1_000_000
    assert "Not drawn: 850 more columns" in Page(html).text


def column_names(document):
    """Columns in the order in which they are drawn."""
    return [
        attributes["title"]
        for (heading, _), (_, attributes) in pairwise(document.tags)
        if heading == "h3"
    ]


def hostile_page(name, value, sentence):
    return Page(hostile_html(name, value, sentence))


def hostile_html(name, value, sentence):
    columns = {name: small.column(Bins(kind="category", values=(value,)))}
    counts = ColumnCounts(bins=(50, 50), other_values={value: 50})
    profile = small.profile_of({name: counts})
    baseline = small.baseline(columns=columns, schema={name: "BYTES"}, reference=profile)
    finding = small.finding(
        columns=(name,), sentence=sentence, remedy=sentence, name=value, accepted=sentence
    )
    verdict = small.verdict(
        "drift", sentence=value, findings=(finding,), unjudged={name: sentence}, model=name
    )
    hostile = Version(
        verdict=verdict, baseline=baseline, window=profile, days={small.LAST: profile}
    )
    return render([hostile], stage="prod")


def timed_page(count, days):
    """The page of so many numbers of twenty bins each, and the processor's seconds for it."""
    names = [f"column_{number}" for number in range(count)]
    edges = tuple(number * 1.37 for number in range(19))
    column = small.column(Bins(kind="number", edges=edges))
    profile = small.profile_of(dict.fromkeys(names, ColumnCounts(bins=(500,) * 20)))
    baseline = small.baseline(
        columns=dict.fromkeys(names, column),
        schema=dict.fromkeys(names, "FLOAT"),
        reference=profile,
    )
    wide = version(profile, baseline=baseline, days=days(profile))
    start = time.process_time()
    html = render([wide], stage="prod")
    return html, time.process_time() - start
