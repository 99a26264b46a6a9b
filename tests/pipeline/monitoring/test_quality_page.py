"""The page says how good a version is, on how many outcomes, and since when."""

import pytest

from pipeline.monitoring.quality import live
from pipeline.monitoring.quality.estimates import Figure
from pipeline.monitoring.quality.live import Part, Quality
from pipeline.monitoring.quality.maturity import Maturity
from tests.pipeline.monitoring import cab_page, small

WHOLE = Part(figure=Figure(0.81, 0.79, 0.83, 7000), lower_bound=0.7)
CASH = Part(slice="payment=Cash", figure=Figure(0.55, 0.52, 0.58, 900), lower_bound=0.6)


def quality(**changes):
    values = {
        "source": "outcomes",
        "metric": "auc",
        "begin": small.LAST,
        "end": small.LAST,
        "sentence": "AUC of payment=Cash fell to 0.550",
        "parts": (WHOLE, CASH),
        "gap": Figure(0.034, 0.02, 0.05, 7000),
        "maturity": Maturity(keyed=7600, labelled=7000, usual=0.93),
    }
    return Quality(**values | changes)


@pytest.fixture(scope="module")
def page():
    earlier = [small.verdict("ok", days_ago=back, quality=quality()) for back in range(1, 20)]
    verdict = small.verdict("worse", quality=quality())
    return cab_page.page(cab_page.version(verdict), history=earlier)


@pytest.mark.parametrize(
    "text",
    [
        "AUC 0.810 (0.790 to 0.830) on 7,000 rows",
        "▼ AUC 0.550 (0.520 to 0.580) on 900 rows",
        "the gate asks 0.6",
        "3.4 % (2 % to 5 %)",
        "92 % of 7,600 keyed instances, 93 % usual",
    ],
)
def test_each_figure_is_shown_with_its_interval(page, text):
    assert text in page.text.replace("\N{NO-BREAK SPACE}", " ")


def test_each_day_s_interval_is_drawn(page):
    measured = [attributes for _, attributes in page.tags if attributes.get("class") == "measured"]
    assert len(measured) == 20


def test_without_outcomes_it_says_that_scores_alone_speak():
    expected = quality(source="scores", parts=(WHOLE,), gap=None, maturity=None)
    page = cab_page.page_of("ok", quality=expected)
    assert "no outcomes: the figure is expected by scores alone" in page.text


def test_a_version_without_a_figure_says_why():
    none = quality(parts=(), gap=None, sentence="196 labelled rows, a figure needs 200")
    page = cab_page.page_of("ok", quality=none)
    assert "196 labelled rows, a figure needs 200" in page.text


def test_a_quality_is_read_from_its_row_as_it_was():
    assert live.decode(live.encode(quality())) == quality()
    assert live.decode("{}") is None
