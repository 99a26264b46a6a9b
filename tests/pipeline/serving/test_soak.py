"""A minute of `make soak`, and that its bounds can fail."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.load.open_loop import Exchange, Exchanges
from tests.load.soak import Soak, soak
from tests.standins.fault_proxy import Proxied

SECONDS = 60
SHARE = 0.25  # of the peak, where the machine has other work
GOOD = [Exchange(due, 200, 0.01) for due in range(100)]
SCRAPE = {"sampled": 3, "written": 1, "queued": 1, "spooled": 1}


def exchanges(*all_exchanges: Exchange) -> Exchanges:
    return Exchanges(1, list(all_exchanges))


@pytest.fixture
def sound() -> Soak:
    """What was seen where nothing went wrong."""
    return Soak(
        rate=1,
        good=exchanges(*GOOD),
        hostile=exchanges(Exchange(0, 400, 0.01)),
        restarts=[(40, 45)],
        scrapes=[SCRAPE],
        sizes=[100, 105],
        rows=99,
    )


def test_a_minute_of_everything_that_happens_to_a_server(
    tmp_path: Path, saved: Path, standin: Proxied
):
    result = soak(SECONDS, tmp_path, saved, standin, SHARE)

    print("\n".join(result.figures()), file=sys.stderr)
    assert list(result.problems()) == []
    assert len(result.restarts) == 2


def test_where_nothing_went_wrong_all_bounds_hold(sound: Soak):
    assert list(sound.problems()) == []


def test_a_request_that_was_lost_during_a_restart_is_no_problem(sound: Soak):
    lost = Exchange(42, 0, 0.01)

    result = replace(sound, good=exchanges(*GOOD, lost))

    assert list(result.problems()) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"good": exchanges(*GOOD, Exchange(50, 0, 0.01))}, "1 good requests were lost"),
        ({"good": exchanges(*GOOD, Exchange(50, 503, 0.01))}, "1 good requests were lost"),
        ({"good": exchanges(*GOOD, *[Exchange(50, 429, 0.01)] * 2)}, "were told 429"),
        ({"hostile": exchanges(Exchange(0, 500, 0.01))}, "hostile requests were answered [500]"),
        ({"scrapes": [{**SCRAPE, "sampled": 4}]}, "1 scrapes of the log do not add up"),
        ({"scrapes": [{**SCRAPE, "sampled": 4, "dropped": 1}]}, "and 1 dropped"),
        ({"scrapes": [{**SCRAPE, "sampled": 2, "spooled": 0}]}, "the outage left 0 rows on disk"),
        ({"rows": 97}, "3 rows are missing"),
        ({"rows": 103}, "-3 rows are missing"),
        ({"sizes": [100, 111]}, "memory has grown by 11 %"),
    ],
)
def test_a_bound_that_does_not_hold_is_told(sound: Soak, changes: dict, says: str):
    result = replace(sound, **changes)

    [problem] = result.problems()
    assert says in problem
