"""Watches one model: counts its days, judges its versions, writes and tells the verdicts.

It may be ended at any step. What it wrote is kept, and the next time completes it: a day's counts
and a window's verdict take the place of those before, and an event is told once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from pipeline.baseline.content import Baseline
from pipeline.baseline.profile import Profile
from pipeline.errors import RunError
from pipeline.monitoring import acceptance, retraining, verdicts, window
from pipeline.monitoring.acceptance import Acceptance
from pipeline.monitoring.log import profiles
from pipeline.monitoring.outcomes import days as outcome_days
from pipeline.monitoring.outcomes.days import Outcomes
from pipeline.monitoring.pages import publication
from pipeline.monitoring.pages.look import DAYS as PAGE_DAYS
from pipeline.monitoring.pages.publication import Judged
from pipeline.monitoring.place import Place, Version
from pipeline.monitoring.quality import verdicts as quality_verdicts
from pipeline.monitoring.verdicts import Row
from pipeline.monitoring.window import Window
from pipeline.progress import Observer, shown

NOTHING = "nothing of it was served, or is in the log any more, in the days until {last}"
UNKNOWN = "{id} is no deployed model that a delivery or the history of the traffic names"


Days = Mapping[str, Mapping[date, Profile]]  # by deployed model


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A model's verdicts on the last day's windows; without any, `reason` says why."""

    model: str
    rows: tuple[Row, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()  # on the log
    failure: str = ""  # to do what the log needs, beside its verdicts


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What the tables hold of a model; `rows` grow with each day that is judged."""

    versions: Sequence[Version]
    days: Days
    acceptances: Sequence[Acceptance]
    rows: list[Row]
    outcomes: Outcomes | None = None


def watch(
    place: Place,
    model: str,
    days: Sequence[date],
    observer: Observer,
    *,
    may_retrain: bool = False,
) -> Watched:
    """Judge the windows that end on each of these days, in order.

    A retraining is asked for by the last one alone, and if it may be.

    Raises RunError where the place does not answer.
    """
    since = days[0] - timedelta(days=PAGE_DAYS)
    with shown(observer, f"{model} versions"):
        place.prepare(model)
        versions = place.versions(model, since)
    if not versions:
        return Watched(model=model, reason=f"nothing of it was delivered to {place.stage} yet")
    _count(place, model, versions, days, observer)
    outcomes, failure = _outcomes(place, model, versions, days, observer)
    with shown(observer, f"{model} judge"):
        ledger = _ledger(place, model, versions, since, days[-1])
        ledger = replace(ledger, outcomes=outcomes)
        failures = [failure] if failure else []
        for day in _counted(place, ledger, days):
            is_last = day == days[-1]
            failures += _judge(place, model, ledger, day, is_last=is_last, may_retrain=may_retrain)
        rows = tuple(row for row in ledger.rows if row.day == days[-1])
        reason = "" if rows else NOTHING.format(last=days[-1])
        publication.tell_monitored(place, model, rows, reason)
    failure = "; ".join(failures)
    watched = Watched(model=model, rows=rows, reason=reason, failure=failure)
    return _with_notes(place, watched, versions, observer)


def _judge(
    place: Place, model: str, ledger: Ledger, day: date, *, is_last: bool, may_retrain: bool
) -> list[str]:
    """Judge the windows of one day; return why a retraining could not be asked for.

    Those before the last, or before judged ones, are no news.
    """
    judged = list(_judged(place, model, ledger, day))
    is_news = is_last and all(row.day <= day for row in ledger.rows)
    failures: list[str] = []
    if is_news and may_retrain:
        judged = [_with_request(place, ledger, part, failures) for part in judged]
    else:
        judged = [_without_request(ledger, part, is_news=is_news) for part in judged]
    rows = publication.publish(place, judged, ledger.rows, is_news=is_news)
    others = [row for row in ledger.rows if row.day != day]
    ledger.rows[:] = [*others, *rows]
    return failures


def _with_request(place: Place, ledger: Ledger, part: Judged, failures: list[str]) -> Judged:
    """The verdict with what is asked for; a failure to ask loses no verdict."""
    if not retraining.concerns(part.verdict):
        return part
    wish = retraining.Wish(
        version=part.window.version,
        verdict=part.verdict,
        day=part.window.last,
        earlier=ledger.rows,
        acceptances=ledger.acceptances,
    )
    try:
        sentence = place.ask_for_retraining(wish)
    except RunError as error:
        failures.append(f"a retraining is due and not asked for yet: {error}")
        sentence = failures[-1]
    return replace(part, retraining=sentence)


def _without_request(ledger: Ledger, part: Judged, *, is_news: bool) -> Judged:
    """The verdict with what was asked for when the same window was judged before."""
    row = verdicts.same(part.verdict, ledger.rows)
    if row is not None and row.retraining:
        return replace(part, retraining=row.retraining)
    if is_news and part.verdict.kind in retraining.NEEDED:
        return replace(part, retraining=retraining.SWITCHED_OFF)
    return part


def _with_notes(
    place: Place, watched: Watched, versions: Sequence[Version], observer: Observer
) -> Watched:
    """Do what the log needs; its failure loses no verdict."""
    baselines = list(_baselines(versions).values())
    try:
        with shown(observer, f"{watched.model} log"):
            notes = place.keep_log(watched.model, baselines)
    except RunError as error:
        failure = "; ".join(filter(None, [watched.failure, str(error)]))
        return replace(watched, failure=failure)
    return replace(watched, notes=tuple(notes))


def _count(
    place: Place, model: str, versions: Sequence[Version], days: Sequence[date], observer: Observer
) -> None:
    """Count the days that are asked for, and those before them that lack the versions' bins."""
    tables = place.tables(model)
    baselines = _baselines(versions)
    longest = max(version.window_days for version in versions)
    before = [days[0] - timedelta(days=number) for number in range(1, longest)]
    due = profiles.due(place.client, tables.profiles, model, before, baselines)
    first, last = days[0] - timedelta(days=PAGE_DAYS), days[0] - timedelta(days=1)
    outdated = profiles.outdated(place.client, tables.profiles, model, first, last, baselines)
    for day in countable([*due, *outdated, *days], place.kept_days):
        with shown(observer, f"{model} count {day}"):
            profiles.count(
                place.client,
                tables.log,
                tables.profiles,
                model,
                day,
                baselines,
                legacy_model=tables.legacy_model,
            )


def _outcomes(
    place: Place, model: str, versions: Sequence[Version], days: Sequence[date], observer: Observer
) -> tuple[Outcomes | None, str]:
    """What came true of what was asked, or why that is not known, which loses no verdict."""
    baselines = _baselines(versions)
    try:
        source = outcome_days.source(place.client, place.tables(model), model, baselines)
        if source is None:
            return None, ""
        due = outcome_days.due(source, days, baselines)
        for day in countable(due, place.kept_days):
            with shown(observer, f"{model} outcomes {day}"):
                outcome_days.count(source, day, baselines)
        first = days[0] - timedelta(days=PAGE_DAYS)
        by_version = outcome_days.read(source, first, days[-1], baselines)
        return Outcomes(delay_days=source.delay_days, by_version=by_version), ""
    except RunError as error:
        return None, str(error)


def countable(days: Iterable[date], kept_days: int | None) -> list[date]:
    """Those of the days whose rows the log still has, in order.

    The counts of older ones are all that is left of them.
    """
    ordered = sorted(set(days))
    if kept_days is None:
        return ordered
    first = datetime.now(UTC).date() - timedelta(days=kept_days - 1)
    return [day for day in ordered if day >= first]


def _counted(place: Place, ledger: Ledger, days: Sequence[date]) -> list[date]:
    """Those of the days that are counted: rows that are gone are not missing ones."""
    with_rows = countable(days, place.kept_days)
    with_profiles = [day for of_version in ledger.days.values() for day in of_version]
    counted = {*with_rows, *with_profiles}
    return [day for day in days if day in counted]


def _baselines(versions: Sequence[Version]) -> dict[str, Baseline]:
    return {version.id: version.baseline for version in versions if version.baseline}


def _judged(place: Place, model: str, ledger: Ledger, day: date) -> Iterator[Judged]:
    """A verdict on each version that was asked, or was to be asked."""
    accepted = acceptance.valid(ledger.acceptances, day)
    for version in _with_unknown(ledger):
        days = ledger.days.get(version.id, {})
        own_window = Window(model=model, version=version, last=day, days=days)
        answered = place.answered(model, version.id, own_window.first, day)
        verdict = window.verdict(own_window, answered, place.sampling_rate)
        if verdict is not None:
            verdict = acceptance.applied(verdict, accepted)
            quality = window.quality(own_window, ledger.outcomes)
            verdict = quality_verdicts.applied(verdict, quality)
            yield Judged(verdict=verdict, window=own_window)


def _with_unknown(ledger: Ledger) -> Iterator[Version]:
    yield from ledger.versions
    ids = {version.id for version in ledger.versions}
    for id_ in sorted(set(ledger.days) - ids):
        yield Version(id=id_, number="", problem=UNKNOWN.format(id=id_))


def _ledger(
    place: Place, model: str, versions: Sequence[Version], since: date, last: date
) -> Ledger:
    tables = place.tables(model)
    rows = verdicts.read(place.client, place.verdicts, model, since, datetime.now(UTC).date())
    acceptances = acceptance.read(place.client, tables.acceptances, model)
    baselines = _baselines(versions)
    days = profiles.read(place.client, tables.profiles, model, since, last, baselines)
    return Ledger(versions=versions, days=days, acceptances=acceptances, rows=rows)
