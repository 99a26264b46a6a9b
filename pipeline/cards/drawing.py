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
    text: str = template.render(**_values(card), front_matter=keys)
    return text


def _page(card: Card) -> str:
    template = _environment(autoescape=True).get_template("card.html.jinja")
    page: str = template.render(**_values(card), readme=README, bill=BILL)
    return page


def _environment(autoescape: bool) -> jinja2.Environment:
    environment = templates.environment(Path(__file__).parent, autoescape=autoescape)
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
    words = str(value).split()
    return " ".join(words).translate(ESCAPED)


def _code(value: Any) -> str:
    """A text as code, in a cell of a table too."""
    words = str(value).split()
    text = " ".join(words).translate(ESCAPED_CODE)
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
