"""What is said of a version's quality, and why there is no figure."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from pipeline.monitoring.outcomes.counts import LabelCounts
from pipeline.monitoring.pages import figures
from pipeline.monitoring.quality.maturity import Maturity

if TYPE_CHECKING:
    from pipeline.monitoring.quality.live import Part


def metric_name(metric: str) -> str:
    return metric.replace("_", " ").replace("auc", "AUC")


def days(begin: date, end: date) -> str:
    return f"asked on {begin}" if begin == end else f"asked from {begin} to {end}"


def no_figure(counts: LabelCounts, maturity: Maturity) -> str:
    """Why the outcomes are not judged, without the days; empty where they can be."""
    if not counts.keyed:
        return f"none of {figures.count(counts.unkeyed)} instances has a _key to join outcomes by"
    keyed = f"{figures.count(counts.keyed)} keyed instances"
    if not counts.labelled:
        return f"no usable outcome of {keyed} is known{_arrived(counts)}{_usual(maturity)}"
    if not maturity.is_ripe:
        share = figures.share(maturity.share)
        return f"outcomes of only {share} of {keyed} are known{_usual(maturity)}"
    return ""


def _arrived(counts: LabelCounts) -> str:
    if not counts.arrived or counts.contradicting or counts.invalid:
        return ""
    return ", and those that came have keys of no logged instance"


def _usual(maturity: Maturity) -> str:
    if maturity.usual is None:
        return ""
    return f", where {figures.share(maturity.usual)} usually are at that age: they are late"


def unused(counts: LabelCounts) -> str:
    """The outcomes that count for nothing, as the end of a sentence."""
    reasons = {
        "with both outcomes": counts.contradicting,
        "with an outcome that is neither 0 nor 1": counts.invalid,
        "without a score from 0 to 1": counts.unscored,
    }
    parts = [f"{figures.count(count)} {words}" for words, count in reasons.items() if count]
    return f"; not counted: {', '.join(parts)}" if parts else ""


def measured(metric: str, parts: Sequence["Part"]) -> str:
    """The worst part where one is below its bound, or the whole."""
    below = [part for part in parts if part.is_worse]
    part = below[0] if below else parts[0]
    verb = "fell to" if below else "is"
    rows = f"{figures.count(part.figure.rows)} instances with an outcome"
    others = f"; also {', '.join(_name(part) for part in below[1:])}" if below[1:] else ""
    return f"{metric_name(metric)}{_of(part)} {verb} {_interval(part)} on {rows}{others}"


def expected(metric: str, part: "Part") -> str:
    rows = f"{figures.count(part.figure.rows)} scores"
    return f"{metric_name(metric)} is expected to be {_interval(part)} by {rows}"


def _interval(part: "Part") -> str:
    figure = part.figure
    band = f"{figure.low:.3f} to {figure.high:.3f}"
    return f"{figure.value:.3f} ({band}; the gate asks {part.lower_bound:g})"


def _of(part: "Part") -> str:
    return f" of {part.slice}" if part.slice else ""


def _name(part: "Part") -> str:
    return part.slice or "all"
