"""Keeps the overview of models from the verdicts of one place, or of several."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from pipeline.errors import RunError
from pipeline.monitoring import verdicts
from pipeline.monitoring.pages import overview
from pipeline.monitoring.pages.look import DAYS
from pipeline.monitoring.place import Place
from pipeline.monitoring.verdict import Verdict
from settings.values import cut

NAME = "index"


def write(place: Place, last: date) -> None:
    """Write the place's overview beside its pages; the verdicts are told without it, too.

    It ends with the newest day that has a verdict: days that are filled in hide no later one.
    """
    try:
        place_rows = rows(place, last, in_place=True)
        days = [verdicts.last_day(verdict) for row in place_rows for verdict in row.verdicts]
        newest = max(days, default=last)
        content = overview.render(place_rows, last=max(newest, last))
        place.keep_page(NAME, content)
    except Exception as problem:
        reason = cut(str(problem), 300)
        print(f"the overview was not written: {reason}", file=sys.stderr)


def of_all(places: Iterable[Place], last: date) -> tuple[str, list[str]]:
    """The overview of all places as HTML, and a sentence for each that could not be read."""
    all_rows: list[overview.Row] = []
    failures = []
    for place in places:
        try:
            all_rows += rows(place, last)
        except RunError as error:
            failures.append(f"{place.stage}: {error}")
    return overview.render(all_rows, last=last), failures


def rows(place: Place, last: date, *, in_place: bool = False) -> Sequence[overview.Row]:
    """A row for each model; a link names the page alone where the overview lies beside it."""
    first = last - timedelta(days=DAYS - 1)
    today = datetime.now(UTC).date()
    table_rows = verdicts.read(place.client, place.verdicts, None, first, today)
    by_model: dict[str, list[Verdict]] = defaultdict(list)
    for row in table_rows:
        by_model[row.verdict.model].append(row.verdict)
    return [
        overview.Row(
            stage=place.stage,
            model=name,
            verdicts=model_verdicts,
            page=f"{name}.html" if in_place else place.page(name),
        )
        for name, model_verdicts in by_model.items()
    ]
