"""One version in one window: its verdict from the days' profiles."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from pipeline.baseline.profile import Profile
from pipeline.monitoring import completeness
from pipeline.monitoring.completeness import Answered
from pipeline.monitoring.judging import judgement
from pipeline.monitoring.outcomes.days import Outcomes
from pipeline.monitoring.place import Version
from pipeline.monitoring.quality import live, verdicts
from pipeline.monitoring.quality.live import Quality
from pipeline.monitoring.verdict import Kind, Verdict
from pipeline.monitoring.verdicts import midnight

EARLIER_DAYS = 28  # of the windows before, which say what is usual
USUAL = timedelta(days=1)  # with traffic for less, no request is nothing to tell of
NOTHING = Profile(instances=0, requests=0, request_squares=0, columns={}, scores=())


@dataclass(frozen=True, kw_only=True)
class Window:
    """A version's days until `last`; `days` are its profiles, of earlier days as well."""

    model: str
    version: Version
    last: date
    days: Mapping[date, Profile]

    @property
    def first(self) -> date:
        return self.last - timedelta(days=self.version.window_days - 1)

    @property
    def days_in_words(self) -> str:
        if self.first == self.last:
            return f"on {self.last}"
        return f"from {self.first} to {self.last}"

    def profile(self, among: frozenset[date] | None = None) -> Profile:
        """The sum of the window's days, or of those of them that are `among` these."""
        return _sum(self.days, self.first, self.last, among)

    @property
    def earlier(self) -> list[Profile]:
        """The windows before, the newest first, to the oldest with rows; no two share a day.

        One without rows keeps its place: each seventh day is of the same weekday.
        """
        length = timedelta(days=self.version.window_days)
        count = max(1, EARLIER_DAYS // self.version.window_days)
        profiles = []
        for number in range(1, count + 1):
            last = self.last - number * length
            profile = _sum(self.days, last - length + timedelta(days=1), last, None)
            profiles.append(profile)
        while profiles and not profiles[-1].requests:
            profiles.pop()
        return profiles


def _sum(
    days: Mapping[date, Profile], first: date, last: date, among: frozenset[date] | None
) -> Profile:
    total: Profile | None = None
    for day, profile in days.items():
        if first <= day <= last and (among is None or day in among):
            total = profile if total is None else total + profile
    return total or NOTHING


def verdict(window: Window, answered: Answered | None, rate: float | None) -> Verdict | None:
    """The verdict; None where the version was neither asked nor to be asked."""
    profile = window.profile()
    if not profile.requests:
        return _without_rows(window, answered, rate)
    own = _judged(window, profile, answered, rate)
    if answered is None or rate is None:
        return own
    problem = completeness.problem(window.profile(answered.days), answered, rate)
    return own if problem is None else _incomplete(own, problem)


def quality(window: Window, outcomes: Outcomes | None) -> Quality | None:
    """How good the version is by its outcomes, or by the window's scores alone."""
    baseline = window.version.baseline
    if baseline is None:
        return None
    by_outcomes = None
    if outcomes is not None:
        by_slice = outcomes.by_version.get(window.version.id, {})
        by_outcomes = live.measure(baseline, by_slice, window.last, outcomes.delay_days)
    by_scores = live.expect(baseline, window.profile(), window.first, window.last)
    return verdicts.chosen(by_outcomes, by_scores)


def _judged(
    window: Window, profile: Profile, answered: Answered | None, rate: float | None
) -> Verdict:
    baseline = window.version.baseline
    if baseline is None:
        return _plain(window, "no baseline", window.version.problem, profile)
    expected = None
    if answered is not None and rate is not None and answered.days is None:
        expected = completeness.expected_requests(profile, answered, rate)
    begin, end = _bounds(window)
    return judgement.judge(
        baseline,
        profile,
        model=window.model,
        deployed_model_id=window.version.id,
        begin=begin,
        end=end,
        earlier=window.earlier,
        expected_requests=expected,
    )


def _without_rows(window: Window, answered: Answered | None, rate: float | None) -> Verdict | None:
    if answered is not None and answered.count:
        return _nothing_logged(window, answered, rate)
    begin, end = _bounds(window)
    if window.version.served(begin, end) < USUAL:
        return None
    if answered is None:
        return _plain(window, "no requests", f"the log has no request {window.days_in_words}")
    return _plain(
        window, "no requests", f"nothing was asked and nothing logged {window.days_in_words}"
    )


def _nothing_logged(window: Window, answered: Answered, rate: float | None) -> Verdict:
    logged = [profile for profile in window.earlier if profile.requests]
    usual = logged[0].instances / logged[0].requests if logged else 1.0
    if rate is not None:
        problem = completeness.problem(window.profile(answered.days), answered, rate, usual)
        if problem is not None:
            return _plain(window, "log incomplete", problem)
    sentence = f"{answered.count:,.0f} {answered.unit} were answered, and none of them is logged"
    return _plain(window, "not enough data", sentence)


def _incomplete(own: Verdict, problem: str) -> Verdict:
    """The verdict on a log that lost rows: what it holds is judged, too."""
    sentence = f"{problem}; what is there: {own.sentence}"
    findings = own.findings if own.needs_someone else ()
    return replace(own, kind="log incomplete", sentence=sentence, findings=findings)


def _plain(window: Window, kind: Kind, sentence: str, profile: Profile | None = None) -> Verdict:
    """A verdict that compares nothing with training."""
    begin, end = _bounds(window)
    return Verdict(
        model=window.model,
        deployed_model_id=window.version.id,
        begin=begin,
        end=end,
        kind=kind,
        sentence=sentence,
        instances=profile.instances if profile else 0,
        requests=profile.requests if profile else 0,
    )


def _bounds(window: Window) -> tuple[datetime, datetime]:
    return midnight(window.first), midnight(window.last) + timedelta(days=1)
