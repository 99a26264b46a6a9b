"""Draws a card: README.md for Hugging Face and people, card.html to look at, JSON for machines."""

from pathlib import Path
from typing import Any

import jinja2

from pipeline.cards import content, cyclonedx, hugging_face, sentences
from pipeline.cards.content import Card, Metric
from pipeline.cards.sentences import NOT_STATED
from pipeline.reports import templates

README, PAGE, BILL = "README.md", "card.html", "model.cdx.json"
# What Markdown, a table's cell or HTML inside it would take for its own.
ESCAPED_CODE = {ord("`"): "'", ord("|"): "\\|"}
ESCAPED = {ord(character): f"\\{character}" for character in "\\`*_[]<>|#"}


def files(card: Card) -> dict[str, str]:
    """Each file's name and content."""
    return {
        content.NAME: content.encode(card),
        README: _readme(card),
        PAGE: _page(card),
        BILL: cyclonedx.bill(card),
    }


def _readme(card: Card) -> str:
    environment = _environment(autoescape=False)
    environment.filters |= {
        "inline": _inline,
        "code": _code,
        "code_or_not": _code_or_not,
        "stated": _stated,
        "interval": _interval,
    }
    template = environment.get_template("readme.md.jinja")
    keys = hugging_face.front_matter(card)
    values = _values(card)
    text: str = template.render(**values, front_matter=keys)
    return text


def _page(card: Card) -> str:
    environment = _environment(autoescape=True)
    template = environment.get_template("card.html.jinja")
    values = _values(card)
    page: str = template.render(**values, readme=README, bill=BILL)
    return page


def _environment(autoescape: bool) -> jinja2.Environment:
    folder = Path(__file__).parent
    environment = templates.environment(folder, autoescape=autoescape)
    environment.filters |= {
        "figure": sentences.figure,
        "count": sentences.count,
        "rows": sentences.rows,
        "bound": _bound,
    }
    return environment


def _values(card: Card) -> dict[str, Any]:
    bounds = {(check.metric, check.slice): check.lower_bound for check in card.gate}
    return {
        "card": card,
        "bounds": bounds,  # by metric and slice
        "origin": sentences.origin(card),
        "limits": sentences.limits(card),
        "window": sentences.window(card),
        "not_stated": NOT_STATED,
    }


def _inline(value: Any) -> str:
    """A text that stays in its line, its cell and its words."""
    return _line(value).translate(ESCAPED)


def _line(value: Any) -> str:
    words = str(value).split()
    return " ".join(words)


def _code(value: Any) -> str:
    """A text as code, in a cell of a table too."""
    text = _line(value).translate(ESCAPED_CODE)
    return f"`{text}`"


def _code_or_not(value: Any) -> str:
    return NOT_STATED if value is None else _code(value)


def _stated(value: Any) -> str:
    return _inline(value) if value else NOT_STATED


def _bound(value: float | None) -> str:
    return "–" if value is None else sentences.figure(value)


def _interval(metric: Metric) -> str:
    if metric.low is None or metric.high is None:
        return NOT_STATED
    return f"{metric.low:.4f} to {metric.high:.4f}"
