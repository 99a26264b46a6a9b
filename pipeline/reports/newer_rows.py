"""The candidate beside the last blessed model on rows that neither could learn from, as told."""

import json
from typing import Any

from pipeline.components.newer_rows import Comparison
from pipeline.reports.run_metadata import RunMetadata

Json = dict[str, Any]


def comparison(metadata: RunMetadata) -> Json | None:
    """The Evaluator's comparison, with its verdict and a sentence; None where it made none."""
    blessing = metadata.artifact("Evaluator", "blessing")
    text = blessing.get_string_custom_property("newer_rows") if blessing else ""
    if not text:
        return None
    facts: Json = json.loads(text)
    result = Comparison(**facts)
    return {
        **facts,
        "change": result.change,
        "holds": not result.loses,
        "sentence": _sentence(result),
    }


def _sentence(result: Comparison) -> str:
    if result.reason:
        return f"not compared on newer rows: {result.reason}"
    verdict = ", wholly below 0" if result.loses else ""
    return (
        f"on {result.rows:,} held-out rows after {result.last_time} {result.metric} is "
        f"{result.candidate:.4f}, the last blessed model's {result.last_blessed:.4f}: "
        f"a change of {result.change:+.4f} "
        f"(95 %: {result.low:+.4f} to {result.high:+.4f}{verdict})"
    )
