"""Publishes a day's verdicts on a model: its page, the rows of the table, the events.

A row with events to tell is written as untold, and as told after them. Whoever is ended between
the two tells the same events the next time, of which the log keeps one each.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from pipeline.monitoring import findings, verdicts
from pipeline.monitoring.findings import OpenFinding
from pipeline.monitoring.pages import look, page
from pipeline.monitoring.place import Place
from pipeline.monitoring.verdict import Verdict
from pipeline.monitoring.verdicts import Row
from pipeline.monitoring.window import Window
from settings.values import cut


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A verdict; `retraining` says when one was asked for, or why none was."""

    verdict: Verdict
    window: Window
    retraining: str | None = None


def publish(
    place: Place, judged: Sequence[Judged], earlier: Sequence[Row], *, is_news: bool
) -> list[Row]:
    """Write the verdicts of one day, and tell what is due if they are news; return their rows.

    `earlier` are the model's rows so far, those of this day as well.
    """
    address = _kept_page(place, judged, earlier) if is_news and judged else None
    rows = []
    due: dict[str, OpenFinding] = {}  # by key: a finding of two versions is told of once
    for part in judged:
        row, row_due = _row(part, earlier, is_news=is_news)
        row_due = [finding for finding in row_due if finding.key not in due]
        due |= {finding.key: finding for finding in row_due}
        row = replace(row, report=address or row.report, told=not row_due)
        _write(place, row)
        if row_due:
            _tell(place, row, row_due)
            row = replace(row, told=True)
            _write(place, row)
        rows.append(row)
    return rows


def _row(part: Judged, earlier: Sequence[Row], *, is_news: bool) -> tuple[Row, list[OpenFinding]]:
    """The verdict's row, and its findings that somebody is to be told of."""
    day = part.window.last
    same = verdicts.same(part.verdict, earlier)
    open_findings = verdicts.open_before(earlier, day)
    entries = findings.continued(findings.of(part.verdict, day), open_findings)
    entries = findings.told_as(entries, verdicts.told_on(earlier, day))
    due = [entry for entry in entries if is_news and findings.is_due(entry, day)]
    row = Row(
        verdict=part.verdict,
        findings=tuple(_told(entry, due, day) for entry in entries),
        version=part.window.version.number or None,
        report=same.report if same else None,
        judged_at=_judged_at(same),
        retraining=part.retraining,
    )
    return row, due


def _told(entry: OpenFinding, due: Sequence[OpenFinding], day: date) -> OpenFinding:
    return replace(entry, told=day) if entry in due else entry


def _judged_at(same: Row | None) -> datetime:
    """Now, or the time of an untold row: its events that were written already are the same."""
    if same is None or same.told:
        return datetime.now(UTC)
    return same.judged_at


def _write(place: Place, row: Row) -> None:
    verdicts.write(place.client, place.verdicts, row)


def _tell(place: Place, row: Row, due: Sequence[OpenFinding]) -> None:
    for finding in due:
        assert finding.event is not None
        key = f"{row.day}/{finding.key}"
        sentences = {"sentence": finding.sentence}
        facts = _facts(row) | sentences
        place.tell(finding.event, row.verdict.model, key, row.judged_at, facts)


def tell_monitored(place: Place, model: str, rows: Sequence[Row], reason: str) -> None:
    """Tell that the model was looked at: the alert on a silent monitor waits for no more."""
    now = datetime.now(UTC)
    facts = _facts(worst(rows)) if rows else {"sentence": reason}
    place.tell("monitored", model, str(now), now, facts)


def worst(rows: Sequence[Row]) -> Row:
    return min(rows, key=lambda row: look.ORDER[row.verdict.kind])


def _facts(row: Row) -> dict[str, str]:
    verdict = row.verdict
    return {
        "sentence": verdict.sentence,
        "verdict": verdict.kind,
        "deployed_model_id": verdict.deployed_model_id,
        "version": row.version or "",
        "last_day": row.day.isoformat(),
        "report": row.report or "",
    }


def _kept_page(place: Place, judged: Sequence[Judged], earlier: Sequence[Row]) -> str | None:
    """Write the page and return its address; the verdicts are worth more than their picture."""
    model = judged[0].verdict.model
    try:
        content = page.render(
            [_page_version(part) for part in judged],
            stage=place.stage,
            history=[row.verdict for row in earlier],
            runbook=place.runbook,
            overview="index.html",
        )
        place.keep_page(model, content)
    except Exception as problem:  # whatever it is, the alerts must not wait for it
        reason = cut(str(problem), 300)
        print(f"{model}: the page was not written: {reason}", file=sys.stderr)
        return None
    return place.page(model)


def _page_version(part: Judged) -> page.Version:
    window, last = part.window, part.window.last
    first = last - timedelta(days=look.DAYS - 1)
    days = {day: profile for day, profile in window.days.items() if first <= day <= last}
    profile = window.profile()
    return page.Version(
        verdict=part.verdict,
        baseline=window.version.baseline,
        window=profile if profile.instances else None,
        days=days,
        report=window.version.report,
        retraining=part.retraining,
    )
