"""What a card's README.md and its page say alike: origin, limits, window."""

from typing import Any

from pipeline.cards.content import Card

NOT_STATED = "not stated"
NO_NUMBER = "no number"  # of a metric that could not be computed, as in the run's own words
Pairs = list[tuple[str, Any]]


def origin(card: Card) -> Pairs:
    """What made the model, by name; None where nobody knows."""
    code, environment = card.code, card.environment
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


def _changed_files(code: dict[str, Any]) -> str | None:
    names = code.get("changed_files")
    if names is None:
        return None
    return ", ".join(names) or "none"


def limits(card: Card) -> list[str]:
    """What the run's figures do not say."""
    sentences = [
        f"Its score is a probability of {card.label} for rows like those it was trained on; "
        "the monitor says when what it is asked no longer looks like them."
    ]
    if last := (card.data.window or {}).get("last"):
        sentences.append(f"Nothing is measured here on rows after {last}.")
    slices = [name for name in card.rows if name != "all"]
    if slices:
        sentences.append(f"Of groups of rows, only {', '.join(slices)} has figures of its own.")
    else:
        sentences.append("No group of rows has figures of its own.")
    figures = [metric for metric in card.metrics if metric.value is not None]
    unsure = sorted({metric.slice for metric in figures if metric.low is None})
    if unsure:
        rows = ", ".join(unsure)
        sentences.append(f"A figure without an interval has too few rows for one: {rows}.")
    absent = [f"{each.name} ({each.slice})" for each in card.metrics if each.value is None]
    if absent:
        sentences.append(f"What has no number can't be computed on its rows: {', '.join(absent)}.")
    return sentences


def window(card: Card) -> str | None:
    """Which rows were taken."""
    window = card.data.window
    if not window:
        return None
    days = "all rows"
    if window.get("begin"):
        days = f"from {window['begin']} to {window['end']}"
    if window.get("first") is None:
        return days
    return f"{days}, the first of {window['first']}, the last of {window['last']}"


def figure(value: float | None) -> str:
    return NO_NUMBER if value is None else f"{value:.4f}"


def count(value: float | None) -> str:
    return NOT_STATED if value is None else f"{value:,.0f}"


def rows(value: float | None) -> str:
    return f"rows {NOT_STATED}" if value is None else f"{value:,.0f} rows"
