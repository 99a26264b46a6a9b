"""Where models are watched: a stage in the cloud, or this machine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from pipeline.baseline.content import Baseline
from pipeline.errors import DataError
from pipeline.gcp.protocols import BigQuery
from pipeline.monitoring.completeness import Answered

if TYPE_CHECKING:
    from pipeline.monitoring.retraining import Wish

WINDOW_DAYS = 7  # of a version without a baseline
NO_BASELINE = "it was trained before there were baselines: train the model again"


@dataclass(frozen=True, kw_only=True)
class Span:
    """A time in which a version had traffic; without an end it still has."""

    begin: datetime
    end: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version of a model as the request log names it, by the id of its deployed model."""

    id: str
    number: str
    baseline: Baseline | None = None
    problem: str = ""  # why there is no baseline
    spans: tuple[Span, ...] = ()
    report: str | None = None  # the address of its run's report

    @property
    def window_days(self) -> int:
        return self.baseline.window_days if self.baseline else WINDOW_DAYS

    def served(self, begin: datetime, end: datetime) -> timedelta:
        """How long it had traffic in a window."""
        total = timedelta()
        for span in self.spans:
            overlap = min(span.end or end, end) - max(span.begin, begin)
            total += max(overlap, timedelta())
        return total


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Full names; `log` is the model's request log.

    A log of AI Platform's form names its models: `legacy_model` is the one to count.
    """

    log: str
    legacy_model: str | None = None
    profiles: str
    acceptances: str
    outcomes: str  # the dataset where a model's table of outcomes is


class Place(Protocol):
    """What the monitor asks of the place where a model is served.

    All of it raises RunError, in one sentence, where it can't be answered.
    """

    @property
    def stage(self) -> str: ...

    @property
    def runbook(self) -> str | None:
        """The address of docs/runbook.md."""

    @property
    def client(self) -> BigQuery: ...

    @property
    def verdicts(self) -> str:
        """The full name of the verdicts' table, which all models have in common."""

    def tables(self, model: str) -> Tables: ...

    def prepare(self, model: str) -> None:
        """Make what is missing and the place's own to make."""

    def keep_log(self, model: str, baselines: Sequence[Baseline]) -> list[str]:
        """Do what the log needs each morning, and return what its reader must know."""

    def versions(self, model: str, since: date) -> list[Version]:
        """Those that may have answered a request since a day, the oldest first.

        None where nothing was delivered yet.
        """

    def answered(self, model: str, id_: str, begin: date, end: date) -> Answered | None:
        """What a deployed model answered from the first to the last day; None if nobody counted."""

    @property
    def kept_days(self) -> int | None:
        """After so many days the log's rows go; None: they stay."""

    @property
    def sampling_rate(self) -> float | None: ...

    def tell(
        self, event: str, model: str, key: str, at: datetime, facts: Mapping[str, str]
    ) -> None:
        """Write an event; one of the same key and time is written once, however often."""

    def ask_for_retraining(self, wish: "Wish") -> str:
        """Ask for what the wish is due, once; say what is asked, or why nothing is."""

    def page(self, name: str) -> str:
        """The address of a page, there or not yet: a model's, or the overview's."""

    def keep_page(self, name: str, content: str) -> None:
        """Write a page in place of the one before."""


def baseline_or_problem(look_up: Callable[[], Baseline | None]) -> tuple[Baseline | None, str]:
    """A version's baseline, or why there is none that can be compared with."""
    try:
        baseline = look_up()
    except DataError as error:
        return None, str(error)
    return baseline, "" if baseline else NO_BASELINE
