"""The overview has every model in every stage, those first that need someone."""

import time

import pytest

from pipeline.monitoring.pages.look import LOOKS
from pipeline.monitoring.pages.overview import Row, render
from tests.pipeline.monitoring import small
from tests.pipeline.monitoring.pages import Page

WORST_FIRST = (
    "fault",
    "worse",
    "expected worse",
    "drift",
    "log incomplete",
    "no requests",
    "no baseline",
    "season",
    "not enough data",
    "ok",
)
STAGES = ("dev", "staging", "prod")


def row(*verdicts, **changes):
    values = {"stage": "prod", "model": "cab", "verdicts": verdicts}
    return Row(**values | changes)


def row_of(kind, model="cab"):
    verdict = small.verdict(kind)
    return row(verdict, model=model)


def page(*rows):
    html = render(rows, last=small.LAST)
    return Page(html)


def test_each_model_has_its_stage_and_its_verdict():
    document = page(row_of("drift"))

    assert "▲ drift cab prod" in document.text


def test_the_head_says_how_many_need_someone():
    document = page(row_of("fault"), row_of("drift", "bus"), row_of("ok", "tram"))

    assert "2 of 3 need someone" in document.text


def test_the_head_says_that_nothing_is_to_do():
    document = page(row_of("ok"), row_of("season", "tram"))

    assert "Nothing to do" in document.text


def test_the_worst_come_first():
    rows = [row_of(kind, f"model of {kind}") for kind in sorted(LOOKS)]

    document = page(*rows)

    models = [f"model of {kind}" for kind in WORST_FIRST]
    assert sorted(models, key=document.text.index) == models


def test_a_model_that_needs_someone_says_why_and_since_when():
    verdicts = (small.verdict("drift"), small.verdict("drift", days_ago=1))

    document = page(row(*verdicts))

    assert "the sentence of drift Since 25 Nov 2026" in document.text


def test_a_model_leads_to_its_page():
    document = page(row(page="prod/cab.html"))

    [link] = document.of("a")
    assert link["href"] == "prod/cab.html"


def test_the_worst_of_several_versions_is_the_models_verdict():
    versions = (small.verdict("ok"), small.verdict("fault", deployed_model_id="43"))

    document = page(row(*versions))

    assert "✕ fault cab" in document.text


def test_a_canary_that_cannot_be_judged_yet_does_not_hide_the_version_that_is_ok():
    versions = (small.verdict("ok"), small.verdict("not enough data", deployed_model_id="43"))

    document = page(row(*versions))

    assert "✓ ok cab" in document.text


def test_a_model_that_nobody_judged_on_the_last_day_needs_someone():
    verdict = small.verdict("ok", days_ago=3)

    document = page(row(verdict))

    assert "1 of 1 need someone" in document.text
    assert "! no verdict cab" in document.text


def test_a_model_that_nobody_judged_on_the_last_day_has_its_last_verdict():
    verdict = small.verdict("ok", days_ago=3)

    document = page(row(verdict))

    assert "The last verdict is of 23 Nov 2026, ok" in document.text


def test_a_model_that_nobody_ever_judged_needs_someone():
    document = page(row())

    assert "1 of 1 need someone" in document.text
    assert "Nothing has ever judged it" in document.text


def test_a_verdict_on_a_later_day_is_left_out():
    verdicts = (small.verdict("ok"), small.verdict("fault", days_ago=-1))

    document = page(row(*verdicts))

    assert "✓ ok cab" in document.text


def test_ninety_days_are_cells_with_a_day_and_a_word():
    verdicts = (small.verdict("ok"), small.verdict("fault", days_ago=1))

    document = page(row(*verdicts))

    *earlier, yesterday, today = document.days
    assert len(earlier) == 88
    assert earlier[-1] == "24 Nov 2026: no verdict"
    assert yesterday == "25 Nov 2026: fault"
    assert today == "26 Nov 2026: ok"


@pytest.mark.parametrize("order", [1, -1])
def test_a_cell_is_the_worst_of_the_days_versions(order):
    versions = (small.verdict("fault"), small.verdict("ok", deployed_model_id="43"))

    document = page(row(*versions[::order]))

    assert document.days[-1] == "26 Nov 2026: fault"


@pytest.mark.parametrize("kind", [kind for kind in LOOKS if kind != "ok"])
def test_a_cell_has_a_symbol_and_no_colour_alone(kind):
    verdicts = (small.verdict("ok"), small.verdict(kind, days_ago=1))

    html = render([row(*verdicts)], last=small.LAST)

    symbol = LOOKS[kind].symbol
    assert f'title="25 Nov 2026: {kind}">{symbol}</i>' in html


def test_the_overview_asks_the_network_for_nothing():
    document = page(row(page="https://example.com/page.html"))

    assert document.requests == []


def test_hostile_names_and_sentences_are_text_and_nothing_else():
    plain = page(row_of("drift"))
    verdict = small.verdict("drift", sentence="</style><img src=x>")

    hostile = page(row(verdict, model="<script>alert(1)</script>", stage="<b>"))

    assert hostile.names == plain.names


def test_an_overview_of_no_model_is_a_page():
    document = page()

    assert "Nothing to do" in document.text


def test_thirty_models_in_three_stages_are_drawn_within_three_seconds():
    rows = thirty_models()
    start = time.process_time()

    render(rows, last=small.LAST)

    seconds = time.process_time() - start
    assert seconds < 3


def test_thirty_models_in_three_stages_stay_below_a_megabyte():
    html = render(thirty_models(), last=small.LAST)

    assert len(html.encode()) < 1_000_000


def thirty_models():
    """Each with a drift on each of ninety days."""
    verdicts = [small.verdict("drift", days_ago=days) for days in range(90)]
    models = [f"model_{number}" for number in range(30)]
    return [row(*verdicts, model=model, stage=stage) for model in models for stage in STAGES]
