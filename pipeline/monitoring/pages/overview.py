"""The overview: every model in every stage, the worst first, and ninety days of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.monitoring.pages import look
from pipeline.monitoring.pages.look import Cell
from pipeline.monitoring.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Row:
    """A model in a stage, and its verdicts of ninety days in any order."""

    stage: str
    model: str
    verdicts: Sequence[Verdict]
    page: str | None = None  # the address of the model's page


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the template shows of a row; `verdict` is the worst of the newest day with any."""

    row: Row
    verdict: Verdict | None
    newest_day: date | None
    since: date | None
    is_late: bool  # nobody has judged the last day
    cells: Sequence[Cell]

    @property
    def needs_someone(self) -> bool:
        return self.is_late or self.verdict is None or self.verdict.needs_someone

    @property
    def order(self) -> tuple[bool, bool, int, str, str]:
        """Those that need someone first, then those that nobody can judge."""
        place = look.ORDER[self.verdict.kind] if self.verdict else len(look.ORDER)
        is_ok = self.verdict is not None and self.verdict.kind == "ok"
        return not self.needs_someone, is_ok, place, self.row.model, self.row.stage


def render(rows: Sequence[Row], *, last: date) -> str:
    """The page as HTML; `last` is the last day that has ended, which every row should have."""
    entries = [_entry(row, last) for row in rows]
    entries.sort(key=lambda entry: entry.order)
    urgent = sum(entry.needs_someone for entry in entries)
    template = look.environment().get_template("overview.html.jinja")
    page: str = template.render(entries=entries, urgent=urgent, last=last)
    return page


def _entry(row: Row, last: date) -> Entry:
    verdicts = [verdict for verdict in row.verdicts if look.last_day(verdict) <= last]
    cells = look.strip(verdicts, last)
    newest_day = max(map(look.last_day, verdicts), default=None)
    newest = [verdict for verdict in verdicts if look.last_day(verdict) == newest_day]
    verdict = min(newest, key=lambda each: look.ORDER[each.kind], default=None)
    return Entry(
        row=row,
        verdict=verdict,
        newest_day=newest_day,
        since=_since(cells),
        is_late=newest_day != last,
        cells=cells,
    )


def _since(cells: Sequence[Cell]) -> date | None:
    """The first day of those that have been of the newest verdict's kind ever since."""
    judged = [cell for cell in cells if cell.kind]
    since = None
    for cell in reversed(judged):
        if cell.kind != judged[-1].kind:
            break
        since = cell.day
    return since
