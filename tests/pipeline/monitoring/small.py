"""A model of three columns, small enough to know each of its shares by heart."""

from datetime import UTC, date, datetime, timedelta

from pipeline.baseline.content import Baseline, Bins, Blocks, Calibration, Column
from pipeline.baseline.profile import SCORE_BINS, ColumnCounts, Profile
from pipeline.monitoring.verdict import Finding, Verdict

LAST = date(2026, 11, 26)  # the last day of the window
END = datetime(2026, 11, 27, tzinfo=UTC)
SCORES = (0,) * SCORE_BINS
# Of ten thousand instances: below 5, up to 10, above; Cash, Card, all others; to 11, to 17, later.
FARE = ColumnCounts(bins=(5000, 3000, 2000))
PAYMENT = ColumnCounts(bins=(6600, 3300, 100))
HOUR = ColumnCounts(bins=(5000, 3000, 2000))


def baseline(**changes):
    columns = {
        "fare": column(Bins(kind="number", edges=(4.999999, 10.0)), importance=0.1),
        "payment": column(Bins(kind="category", values=("Cash", "Card")), importance=0.3),
        "hour": column(Bins(kind="number", edges=(11.5, 17.5)), importance=0.0),
    }
    schema = {"fare": "FLOAT", "payment": "BYTES", "hour": "INT"}
    values = {
        "model": "cab",
        "digest": "sha256:0",
        "schema": schema,
        "columns": columns,
        "reference": profile(),
        "calibration": Calibration(rows=SCORES, positives=SCORES),
        "blocks": Blocks(days=7, count=20),
        "scale": 1.0,
        "false_alarms_a_year": 1.0,
        "window_days": 7,
    }
    return Baseline(**values | changes)


def column(bins, **changes):
    values = {"limit": 0.01, "share_limit": 0.05, "largest_share": 0.5}
    return Column(bins=bins, **values | changes)


def profile(**columns):
    all_columns = {"fare": FARE, "payment": PAYMENT, "hour": HOUR} | columns
    return profile_of(all_columns)


def profile_of(columns):
    instances = max(counts.total for counts in columns.values())
    return Profile(
        instances=instances,
        requests=instances,
        request_squares=instances,
        columns=columns,
        scores=SCORES,
    )


def every_day(day_profile, days=97):
    """The same counts on each of the days that end with the last one."""
    return {LAST - timedelta(days=back): day_profile for back in range(days)}


def finding(**changes):
    values = {
        "kind": "fault",
        "name": "unit",
        "columns": ("fare",),
        "sentence": "fare is as if multiplied by 100",
        "remedy": "send dollars, not cents",
    }
    return Finding(**values | changes)


def verdict(kind="ok", *, days_ago=0, **changes):
    """A verdict on the window that ended so many days ago."""
    end = END - timedelta(days=days_ago)
    values = {
        "model": "cab",
        "deployed_model_id": "42",
        "sentence": f"the sentence of {kind}",
        "instances": 10000,
        "requests": 10000,
    }
    return Verdict(kind=kind, begin=end - timedelta(days=7), end=end, **values | changes)
