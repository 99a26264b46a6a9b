"""The window of a run's rows, and when the first and the last of them happened.

The examples have it as properties, and the model that was trained on them in a file of its own: a
later run looks there for rows that the model has not seen.
"""

import json
from datetime import date
from typing import Any

import numpy as np
import tensorflow as tf
from tfx.types import Artifact

from pipeline.baseline import times
from pipeline.model.time_span import Span
from pipeline.model.window import Window

FILE = "window.json"  # inside a model's assets.extra
PROPERTIES = {
    "begin": "window_begin",
    "end": "window_end",
    "first": "first_time",
    "last": "last_time",
    "rows_without_time": "rows_without_time",
}


def encode(window: Window | None) -> str:
    """The window as a component's parameter."""
    days = [str(window.begin), str(window.end)] if window else None
    return json.dumps(days)


def decode(parameter: str) -> Window | None:
    days = json.loads(parameter)
    if days is None:
        return None
    begin, end = map(date.fromisoformat, days)
    return Window(begin, end)


def note(examples: Artifact, window: Window | None, span: Span | None) -> None:
    """Give the examples their properties; the span is None without a time column."""
    if window:
        examples.set_string_custom_property("window_begin", str(window.begin))
        examples.set_string_custom_property("window_end", str(window.end))
    if span is None:
        return
    if span.first and span.last:
        examples.set_string_custom_property("first_time", span.first)
        examples.set_string_custom_property("last_time", span.last)
    examples.set_int_custom_property("rows_without_time", span.rows_without)


def read(examples: Artifact) -> dict[str, Any]:
    """The noted window and times, None for what is not noted; empty where nothing is."""
    values = {key: value_of(examples, name) for key, name in PROPERTIES.items()}
    return values if any(value is not None for value in values.values()) else {}


def time_of(row: tf.train.Example, column: str) -> np.datetime64:
    """When the row happened, NaT where its time column does not say."""
    feature = row.features.feature.get(column)
    kind = feature.WhichOneof("kind") if feature else None
    values = getattr(feature, kind).value if kind else []
    value = values[0] if values else None
    return times.of_value(value)


def value_of(artifact: Artifact, name: str) -> Any:
    """A custom property or None, whichever store it is from: JSON knows no integers."""
    if not artifact.has_custom_property(name):
        return None
    value = artifact.get_json_value_custom_property(name)
    if value is None:
        return artifact.get_custom_property(name)
    is_whole = isinstance(value, float) and value.is_integer()
    return int(value) if is_whole else value
