"""A slice's value as one text, for the gate, the matching rows and the report.

TFMA takes a slice's value as text and reads numbers from it: "01", "1" and "1.0" become 1, and no
longer match a column of texts (tensorflow_model_analysis/slicer/slicer_lib.py, _to_type,
https://github.com/tensorflow/model-analysis). A mark keeps it from reading; the rows' values are
marked, too.
"""

import numpy as np

MARK = "="


def name(feature: str, value: object) -> str:
    """The slice's name in reports."""
    return f"{feature}={text(value)}"


def marked(value: object) -> str:
    """The value with a mark, so TFMA takes it for text."""
    return f"{MARK}{text(value)}"


def unmarked(value: object) -> str:
    """The value in TFMA's results; those of an earlier release have no mark."""
    return str(value).removeprefix(MARK)


def text(value: object) -> str:
    """The value's text: a whole number has no point, another one float32's digits."""
    if not isinstance(value, float):
        return str(value)
    number = np.float32(value)  # what a tf.Example keeps of it
    if number.is_integer():
        return str(int(number))
    return str(number)
