"""Pages of the small model, as a reader sees them."""

from pipeline.monitoring.pages.page import Version, render
from tests.pipeline.monitoring import small
from tests.pipeline.monitoring.pages import Page


def version(verdict, **changes):
    """A version whose requests are the training rows."""
    values = {
        "verdict": verdict,
        "baseline": small.baseline(),
        "window": small.profile(),
        "days": small.every_day(small.profile()),
    }
    return Version(**values | changes)


def page(*versions, **changes):
    html = render(versions, stage="prod", **changes)
    return Page(html)


def page_of(kind="ok", **verdict):
    """The page of one version with this verdict."""
    one = version(small.verdict(kind, **verdict))
    return page(one)


def page_with(kind="drift", **columns):
    """The page of one version whose window has these counts of columns."""
    window = small.profile(**columns)
    one = version(small.verdict(kind), window=window)
    return page(one)
