"""A CSV's column names, as Arrow reads them."""

import contextlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.csv

from pipeline.errors import DataError

LENGTHS = (1 << 16, 1 << 24)  # in bytes: nearly each header fits into the first
OTHER_SEPARATORS = (";", "\t", "|")
SHOWN_CHARACTERS = 80
PLAIN = re.compile(r"""[^\s,'"](?:[^,'"]*[^\s,'"])?""")  # a reader sees where it ends


def names(text: bytes) -> list[str]:
    """The columns in their order; each has a name, and none a second time."""
    if text.isspace():
        raise DataError("the file is empty, allowed is a header with the columns' names")
    column_names = _parsed(text)
    if len(column_names) == 1:
        _refuse_other_separator(column_names[0])
    for number, name in enumerate(column_names, 1):
        if not name.strip():
            raise DataError(
                f"column {number} of {len(column_names)} has no name in the header, "
                "allowed is a name for each; pandas writes its index without one, "
                "and not with index=False"
            )
    counts = Counter(column_names)
    for name, count in counts.items():
        if count > 1:
            raise DataError(
                f"the header has the column {shown(name)} {count} times, allowed is once"
            )
    return column_names


def check(column_names: list[str], expected_names: Iterable[str]) -> None:
    """Refuse a header without a column of the schema, or with another one."""
    expected = set(expected_names)
    missing = [name for name in sorted(expected) if name not in column_names]
    if missing:
        raise DataError(
            f"the column {listed(missing)} of schema.pbtxt is missing, "
            f"found are {listed(column_names)}"
        )
    extra = [name for name in column_names if name not in expected]
    if extra:
        raise DataError(
            f"the column {listed(extra)} is not in schema.pbtxt, "
            f"allowed are {listed(sorted(expected))}"
        )


def shown(text: str) -> str:
    """The text, cut if it is long, and in quotes if its end is invisible."""
    is_plain = PLAIN.fullmatch(text) and text.isprintable()
    plain_text = text if is_plain else repr(text)
    if not unicodedata.is_normalized("NFC", text):
        plain_text = ascii(text)  # as a Mac writes an accent, which looks like another text
    if len(plain_text) <= SHOWN_CHARACTERS:
        return plain_text
    beginning = plain_text[:SHOWN_CHARACTERS]
    return f"{beginning}..."


def listed(texts: list[str]) -> str:
    """The texts in a line, as many as fit beside a sentence."""
    line = ""
    for number, text in enumerate(texts):
        longer_line = f"{line}, {shown(text)}" if line else shown(text)
        if line and len(longer_line) > SHOWN_CHARACTERS:
            return f"{line} and {len(texts) - number} more"
        line = longer_line
    return line


def _parsed(text: bytes) -> list[str]:
    for length in LENGTHS:
        beginning = text[:length]
        with contextlib.suppress(pa.ArrowInvalid):
            return _arrow_names(beginning)
    raise DataError(
        "the header cannot be read, allowed are names with a comma between them, "
        "and a quote that is opened is closed"
    )


def _arrow_names(text: bytes) -> list[str]:
    """Arrow's own reading of the first row; rows are left alone."""
    stream = pa.BufferReader(text)
    read_options = pa.csv.ReadOptions(block_size=len(text))
    parse_options = pa.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=_skip)
    reader = pa.csv.open_csv(stream, read_options=read_options, parse_options=parse_options)
    column_names: list[str] = reader.schema.names
    return column_names


def _skip(_: pa.csv.InvalidRow) -> str:
    return "skip"


def _refuse_other_separator(name: str) -> None:
    for separator in OTHER_SEPARATORS:
        if separator in name:
            raise DataError(f"the header has {separator!r} between its names, allowed is a comma")
