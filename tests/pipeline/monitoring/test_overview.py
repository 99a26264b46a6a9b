"""The overview has every model in every stage, those first that need someone."""

import time

import pytest

from pipeline.monitoring.look import LOOKS
from pipeline.monitoring.overview import Row, render
from tests.pipeline.monitoring import small
from tests.pipeline.monitoring.pages import Page

WORST_FIRST = (
    "fault",
    "drift",
    "log incomplete",
    "no requests",
    "no baseline",
    "season",
    "not enough data",
    "ok",
)


def row(model="cab", kind="ok", **changes):
    values = {"stage": "prod", "model": model, "verdicts": [small.verdict(kind)]}
    return Row(**values | changes)


def page(*rows):
    return Page(render(rows, last=small.LAST))


def test_each_model_has_its_stage_and_its_verdict():
    document = page(row(kind="drift"))

    assert "▲ drift cab prod" in document.text


def test_the_head_says_how_many_need_someone():
    document = page(row(kind="fault"), row("bus", "drift"), row("tram"))

    assert "2 of 3 need someone" in document.text


def test_the_head_says_that_nothing_is_to_do():
    document = page(row(), row("tram", "season"))

    assert "Nothing to do" in document.text


def test_the_worst_come_first():
    rows = [row(kind.replace(" ", "_"), kind) for kind in sorted(LOOKS)]

    document = page(*rows)

    models = [kind.replace(" ", "_") for kind in WORST_FIRST]
    assert sorted(models, key=document.text.index) == models


def test_a_model_that_needs_someone_says_why_and_since_when():
    verdicts = [small.verdict("drift"), small.verdict("drift", days_ago=1)]

    document = page(row(verdicts=verdicts))

    assert "the sentence of drift Since 25 Nov 2026" in document.text


def test_a_model_leads_to_its_page():
    document = page(row(page="prod/cab.html"))

    assert [element["href"] for element in document.of("a")] == ["prod/cab.html"]


def test_the_worst_of_several_versions_is_the_models_verdict():
    versions = [small.verdict("ok"), small.verdict("fault", deployed_model_id="43")]

    document = page(row(verdicts=versions))

    assert "✕ fault cab" in document.text


def test_a_canary_that_cannot_be_judged_yet_does_not_hide_the_version_that_is_ok():
    versions = [small.verdict("ok"), small.verdict("not enough data", deployed_model_id="43")]

    document = page(row(verdicts=versions))

    assert "✓ ok cab" in document.text


def test_a_model_that_nobody_judged_on_the_last_day_needs_someone():
    document = page(row(verdicts=[small.verdict(days_ago=3)]))

    assert "1 of 1 need someone" in document.text
    assert "! no verdict cab" in document.text
    assert "The last verdict is of 23 Nov 2026, ok" in document.text


def test_a_model_that_nobody_ever_judged_needs_someone():
    document = page(row(verdicts=[]))

    assert "Nothing has ever judged it" in document.text


def test_a_verdict_on_a_later_day_is_left_out():
    document = page(row(verdicts=[small.verdict(), small.verdict("fault", days_ago=-1)]))

    assert "✓ ok cab" in document.text


def test_ninety_days_are_cells_with_a_day_and_a_word():
    document = page(row(verdicts=[small.verdict(), small.verdict("fault", days_ago=1)]))

    titles = [element["title"] for element in document.of("i") if "title" in element]
    assert len(titles) == 90
    assert titles[-3:] == ["24 Nov 2026: no verdict", "25 Nov 2026: fault", "26 Nov 2026: ok"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_cell_is_the_worst_of_the_days_versions(order):
    versions = [small.verdict("fault"), small.verdict("ok", deployed_model_id="43")]

    document = page(row(verdicts=versions[::order]))

    titles = [element["title"] for element in document.of("i") if "title" in element]
    assert titles[-1] == "26 Nov 2026: fault"


@pytest.mark.parametrize("kind", [kind for kind in LOOKS if kind != "ok"])
def test_a_cell_has_a_symbol_and_no_colour_alone(kind):
    verdicts = [small.verdict(), small.verdict(kind, days_ago=1)]

    html = render([row(verdicts=verdicts)], last=small.LAST)

    assert f'title="25 Nov 2026: {kind}">{LOOKS[kind].symbol}</i>' in html


def test_the_overview_asks_the_network_for_nothing():
    assert list(page(row(page="https://example.com/page.html")).requests) == []


def test_hostile_names_and_sentences_are_text_and_nothing_else():
    plain = row(verdicts=[small.verdict("drift")])
    hostile_verdict = small.verdict("drift", sentence="</style><img src=x>")
    hostile = row("<script>alert(1)</script>", stage="<b>", verdicts=[hostile_verdict])

    assert page(hostile).names == page(plain).names


def test_an_overview_of_no_model_is_a_page():
    document = page()

    assert "Nothing to do" in document.text


def test_thirty_models_and_ninety_days_are_drawn_within_three_seconds():
    verdicts = [small.verdict("drift", days_ago=days) for days in range(90)]
    rows = [
        row(f"model_{number}", verdicts=verdicts, stage=stage)
        for number in range(30)
        for stage in ("dev", "staging", "prod")
    ]
    start = time.process_time()

    html = render(rows, last=small.LAST)

    assert time.process_time() - start < 3
    assert len(html.encode()) < 1_000_000
