"""The times in requests to Cloud Monitoring, and its alignment of the points between them."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from tests.standins.google.error import RefusedError

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
PERIOD = re.compile(r"(\d+)s")
SHORTEST_SECONDS = 60
NONE = "ALIGN_NONE"
Interval = dict[str, str]
PERCENTILES = tuple(f"ALIGN_PERCENTILE_{number}" for number in ("99", "95", "50", "05"))
# aligner -> the kinds and the types of values that it takes
ALIGNERS: dict[str, tuple[set[str], set[str]]] = {
    "ALIGN_DELTA": ({"CUMULATIVE", "DELTA"}, {"INT64", "DOUBLE", "DISTRIBUTION"}),
    "ALIGN_SUM": ({"GAUGE", "DELTA"}, {"INT64", "DOUBLE", "DISTRIBUTION"}),
    **dict.fromkeys(PERCENTILES, ({"GAUGE", "DELTA"}, {"DISTRIBUTION"})),
}


def interval(query: Mapping[str, str]) -> Interval:
    """The two times of a question, the first before the second.

    A point at the end is in, one at the start is not:
    https://cloud.google.com/monitoring/api/ref_v3/rest/v3/TimeInterval.
    """
    begin = _time(query, "startTime")
    end = _time(query, "endTime")
    if datetime.fromisoformat(begin) >= datetime.fromisoformat(end):
        raise RefusedError(
            400, f"the start time must be earlier than the end time, got {begin} and {end}"
        )
    return {"startTime": begin, "endTime": end}


def periods(query: Mapping[str, str]) -> Iterator[tuple[datetime, datetime]]:
    """The periods of a question, the newest first: the last one ends where the interval does.

    https://cloud.google.com/monitoring/api/v3/aggregation#alignment
    """
    times = interval(query)
    begin = datetime.fromisoformat(times["startTime"])
    end = datetime.fromisoformat(times["endTime"])
    length = timedelta(seconds=_period_seconds(query.get("aggregation.alignmentPeriod", "")))
    while end > begin:
        yield max(begin, end - length), end
        end -= length


def alignment(query: Mapping[str, str], kind: str, value_type: str) -> str:
    """The kind of a metric after its alignment."""
    aligner = query.get("aggregation.perSeriesAligner", NONE)
    if aligner == NONE:
        return kind
    _period_seconds(query.get("aggregation.alignmentPeriod", ""))
    if aligner not in ALIGNERS:
        raise RefusedError(501, f"the stand-in aligns by {sorted(ALIGNERS)}, not by {aligner}")
    kinds, value_types = ALIGNERS[aligner]
    if kind not in kinds or value_type not in value_types:
        raise RefusedError(
            400,
            f'Field aggregation.perSeriesAligner had an invalid value of "{aligner}": The aligner '
            f"cannot be applied to metrics with kind {kind} and value type {value_type}.",
        )
    return "GAUGE" if aligner in PERCENTILES else kind


def _time(query: Mapping[str, str], name: str) -> str:
    text = query.get(f"interval.{name}", "")
    if not TIME.fullmatch(text):
        raise RefusedError(400, f"interval.{name} must be a time of RFC 3339, got {text!r}")
    return text


def _period_seconds(text: str) -> int:
    match = PERIOD.fullmatch(text)
    seconds = int(match[1]) if match else 0
    if seconds < SHORTEST_SECONDS:
        raise RefusedError(
            400,
            f"aggregation.alignmentPeriod must be {SHORTEST_SECONDS}s or more, got {text!r}",
        )
    return seconds
