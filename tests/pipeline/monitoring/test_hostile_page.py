"""Names and values on a page may be anything, and as many as they like."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.baseline.content import Bins
from pipeline.baseline.profile import ColumnCounts
from pipeline.monitoring.pages.page import Version, render
from tests.pipeline.monitoring import small
from tests.pipeline.monitoring.cab_page import page, version
from tests.pipeline.monitoring.pages import Page

TEXTS = st.text(min_size=1)


def test_a_page_asks_the_network_for_nothing():
    verdict = small.verdict("fault")
    addresses = {"runbook": "https://code.example/runbook.md", "overview": "index.html"}

    document = page(version(verdict, report="https://example.com/report.html"), **addresses)

    assert document.requests == []


def test_a_page_needs_no_script():
    verdict = small.verdict("fault")

    document = page(version(verdict))

    assert "script" not in document.names


@settings(max_examples=10)
@given(name=TEXTS, value=TEXTS, sentence=TEXTS)
def test_hostile_names_and_values_are_text_and_nothing_else(name, value, sentence):
    plain = page_of_texts("name", "value", "sentence")

    hostile = page_of_texts(f"<script>{name}", f"'\"><img src=x>{value}", f"</style>{sentence}")

    assert hostile.names == plain.names


def test_a_page_of_halves_of_characters_can_be_written():
    html = html_of_texts("\ud800", "\x00\u202e", "\ud83d")

    assert html.encode()


def test_a_very_long_name_is_cut():
    document = page_of_texts("n" * 5000, "v" * 5000, "s" * 5000)

    words = document.text.split()
    assert max(map(len, words)) <= 600


def test_eighteen_columns_and_ninety_days_are_drawn_within_a_second():
    wide = wide_version(18, days=97)
    start = time.process_time()

    render([wide], stage="prod")

    seconds = time.process_time() - start
    assert seconds < 1


def test_eighteen_columns_and_ninety_days_are_a_small_page():
    html = render([wide_version(18, days=97)], stage="prod")

    assert len(html) < 200_000


def test_a_thousand_columns_stay_below_a_megabyte():
    html = render([wide_version(1000, days=1)], stage="prod")

    assert len(html) < 1_000_000
    assert "Not drawn: 850 more columns" in html


def page_of_texts(name, value, sentence):
    html = html_of_texts(name, value, sentence)
    return Page(html)


def html_of_texts(name, value, sentence):
    """The page of a model whose every name is `name`, and so on."""
    column = small.column(Bins(kind="category", values=(value,)))
    profile = small.profile_of({name: ColumnCounts(bins=(50, 50), other_values={value: 50})})
    baseline = small.baseline(columns={name: column}, schema={name: "BYTES"}, reference=profile)
    texts = {"name": value, "sentence": sentence, "remedy": sentence, "accepted": sentence}
    verdict = small.verdict(
        "drift",
        model=name,
        deployed_model_id=value,
        sentence=value,
        findings=(small.finding(columns=(name,), **texts),),
        unjudged={name: sentence},
    )
    days = {small.LAST: profile}
    hostile = Version(verdict=verdict, baseline=baseline, window=profile, days=days)
    return render([hostile], stage="prod")


def wide_version(count, *, days):
    """A version with so many numbers of twenty bins each."""
    names = [f"column_{number}" for number in range(count)]
    edges = tuple(number * 1.37 for number in range(19))
    column = small.column(Bins(kind="number", edges=edges))
    profile = small.profile_of(dict.fromkeys(names, ColumnCounts(bins=(500,) * 20)))
    baseline = small.baseline(
        columns=dict.fromkeys(names, column),
        schema=dict.fromkeys(names, "FLOAT"),
        reference=profile,
    )
    return version(
        small.verdict("ok"),
        baseline=baseline,
        window=profile,
        days=small.every_day(profile, days),
    )
