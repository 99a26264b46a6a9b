"""What a card's README.md and its page say alike: origin, limits, window."""

from collections.abc import Iterator
from typing import Any

from pipeline.cards.content import Card

NOT_STATED = "not stated"
NO_NUMBER = "no number"  # of a metric that could not be computed, as in the run's own words
Json = dict[str, Any]
Pair = tuple[str, Any]


def origin(card: Card) -> list[Pair]:
    """What made the model, by name; None where nobody knows."""
    code = card.code
    environment = card.environment
    training = card.training or {}
    return [
        ("digest of the model", training.get("digest")),
        ("trained by the run", training.get("run")),
        ("commit", code.get("commit")),
        ("files that differed from it", _changed_files(code)),
        ("kept as", code.get("kept")),
        ("not kept", code.get("not_kept") or "none: git has all that trained"),
        ("image", environment.get("image") or "none: a machine's own venv"),
        ("Pipfile of the lock (SHA-256)", environment.get("pipfile_lock_sha256")),
        ("digest of the rows", card.data.digest),
        ("seed", training.get("seed")),
        ("processor", training.get("cpu")),
    ]


def _changed_files(code: Json) -> str | None:
    files = code.get("changed_files")
    if files is None:
        return None
    names = ", ".join(files)
    return names or "none"


def limits(card: Card) -> list[str]:
    """What the run's figures do not say."""
    return list(_limits(card))


def _limits(card: Card) -> Iterator[str]:
    yield (
        f"Its score is a probability of {card.label} for rows like those it was trained on; "
        "the monitor says when what it is asked no longer looks like them."
    )
    window = card.data.window or {}
    if last := window.get("last"):
        yield f"Nothing is measured here on rows after {last}."
    slices = [name for name in card.rows if name != "all"]
    if slices:
        names = ", ".join(slices)
        yield f"Of groups of rows, only {names} has figures of its own."
    else:
        yield "No group of rows has figures of its own."
    figures = [metric for metric in card.metrics if metric.value is not None]
    unsure = {metric.slice for metric in figures if metric.low is None}
    if unsure:
        rows = ", ".join(sorted(unsure))
        yield f"A figure without an interval has too few rows for one: {rows}."
    absent = [f"{each.name} ({each.slice})" for each in card.metrics if each.value is None]
    if absent:
        names = ", ".join(absent)
        yield f"What has no number can't be computed on its rows: {names}."


def window(card: Card) -> str | None:
    """Which rows were taken."""
    window = card.data.window
    if not window:
        return None
    days = "all rows"
    begin, end = window.get("begin"), window.get("end")
    first, last = window.get("first"), window.get("last")
    if begin:
        days = f"from {begin} to {end}"
    if first is None:
        return days
    return f"{days}, the first of {first}, the last of {last}"


def figure(value: float | None) -> str:
    return NO_NUMBER if value is None else f"{value:.4f}"


def count(value: float | None) -> str:
    return NOT_STATED if value is None else f"{value:,.0f}"


def rows(value: float | None) -> str:
    return f"rows {NOT_STATED}" if value is None else f"{value:,.0f} rows"
