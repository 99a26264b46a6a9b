"""The figures of /metrics on logged requests; they add up at every scrape."""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from pipeline.serving.request_log.spool import Segment

DAY_SECONDS = 86_400
DAYS = 35  # that answers are counted of


@dataclass
class Count:
    """Numbers of requests: sampled = written + queued + spooled + all dropped ones."""

    sampled: int = 0
    written: int = 0
    queued: int = 0
    spooled: int = 0
    dropped: Counter[str] = field(default_factory=Counter)  # by reason


class Answers:
    """Answered requests by model version and day in UTC, for the event loop alone.

    The monitor compares them with the log's rows: what is lost shows nowhere else.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int]] = Counter()
        self._day = 0  # since the epoch, of the newest answer

    def add(self, deployed_model_id: str) -> None:
        day = int(time.time() // DAY_SECONDS)
        if day != self._day:
            self._forget(day - DAYS)
            self._day = day
        self._counts[deployed_model_id, day] += 1

    def _forget(self, last_day: int) -> None:
        """Forget the days up to this one; a label that only grows fills a scraper's memory."""
        for id_, day in list(self._counts):
            if day <= last_day:
                del self._counts[id_, day]

    def family(self) -> CounterMetricFamily:
        answers = CounterMetricFamily(
            "esteira_answered",
            "Answered requests that the log drew its sample of, by day in UTC",
            labels=["deployed_model_id", "day"],
        )
        for (id_, day), number in sorted(self._counts.items()):
            date = datetime.fromtimestamp(day * DAY_SECONDS, UTC).date()
            answers.add_metric([id_, date.isoformat()], number)
        return answers


class Ledger:
    """The count and the segments on disk, for all threads."""

    def __init__(self, segments: list[Segment], sampling_rate: float = 1.0) -> None:
        self.answers = Answers()
        self._sampling_rate = sampling_rate
        rows = sum(segment.rows for segment in segments)
        self._count = Count(sampled=rows, spooled=rows)  # left by an earlier process
        self._segments = deque(segments)
        self._bytes = sum(segment.size for segment in segments)  # of those in the deque
        self._lock = threading.Lock()

    def count(self) -> Count:
        """A copy of this moment's figures."""
        with self._lock:
            return replace(self._count, dropped=self._count.dropped.copy())

    def queue(self) -> None:
        """One more request is sampled and in the queue."""
        with self._lock:
            self._count.sampled += 1
            self._count.queued += 1

    def drop_queued(self, rows: int, reason: str) -> None:
        with self._lock:
            self._count.queued -= rows
            self._count.dropped[reason] += rows

    def spool(self, segment: Segment) -> None:
        """Count a segment's requests as spooled, no longer as queued."""
        with self._lock:
            self._segments.append(segment)
            self._bytes += segment.size
            self._count.queued -= segment.rows
            self._count.spooled += segment.rows

    def take(self) -> Segment | None:
        """The oldest segment, for its sender alone; it counts as spooled until `settle`."""
        with self._lock:
            return self._pop() if self._segments else None

    def put_back(self, segment: Segment) -> None:
        with self._lock:
            self._segments.appendleft(segment)
            self._bytes += segment.size

    def settle(self, segment: Segment, dropped: Counter[str]) -> None:
        """The table has the taken segment's rows, but for those dropped."""
        with self._lock:
            self._count.spooled -= segment.rows
            self._count.written += segment.rows - dropped.total()
            self._count.dropped += dropped  # leaves out reasons without a row

    def drop_oldest(self, maximum_bytes: int) -> list[Segment]:
        """Give up the oldest segments beyond this size; the newest always stays."""
        oldest = []
        with self._lock:
            while self._bytes > maximum_bytes and len(self._segments) > 1:
                segment = self._pop()
                self._count.spooled -= segment.rows
                self._count.dropped["spool_full"] += segment.rows
                oldest.append(segment)
        return oldest

    def _pop(self) -> Segment:
        segment = self._segments.popleft()
        self._bytes -= segment.size
        return segment

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """The figures in Prometheus' form."""
        count = self.count()
        yield self.answers.family()
        yield GaugeMetricFamily(
            "esteira_sampling_rate",
            "Share of the answered requests that is logged",
            value=self._sampling_rate,
        )
        yield CounterMetricFamily(
            "esteira_log_sampled",
            "Requests to log, and those that an earlier process left on disk",
            value=count.sampled,
        )
        yield CounterMetricFamily(
            "esteira_log_written", "Logged requests in the table", value=count.written
        )
        yield GaugeMetricFamily(
            "esteira_log_queued", "Logged requests in memory", value=count.queued
        )
        yield GaugeMetricFamily(
            "esteira_log_spooled", "Logged requests on disk", value=count.spooled
        )
        losses = CounterMetricFamily(
            "esteira_log_dropped", "Logged requests lost, by reason", labels=["reason"]
        )
        for reason, number in sorted(count.dropped.items()):
            losses.add_metric([reason], number)
        yield losses
