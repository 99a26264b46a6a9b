"""A CSV's content as UTF-8 text from its header to its last row."""

import codecs
import re

from pipeline.errors import DataError

# The longer ones first: UTF-32's little-endian mark begins with UTF-16's.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
BEGINNING = 4096
ENDING = 4096
BLANK_LINES = re.compile(rb"(?:[ \t]*[\r\n])*")
LINE_END = re.compile(rb"\r\n|\r|\n")
# Of a row without a value. Excel writes such rows below the last one that was ever filled.
EMPTY = b", \t\r\n"


def trimmed(content: bytes) -> bytes:
    """The content without blank lines at its beginning and rows of mere commas at its end.

    Raises DataError for any encoding but UTF-8.
    """
    _refuse_other_encodings(content)
    text = content.removeprefix(codecs.BOM_UTF8)
    blank_lines = BLANK_LINES.match(text)
    start = blank_lines.end() if blank_lines else 0
    end = _end_of_values(text)
    line_end = LINE_END.search(text, max(start, end))
    if line_end is None:
        return text[start:] + b"\n"  # without it, Arrow takes a header for no line
    return text[start : line_end.end()]


def _end_of_values(text: bytes) -> int:
    ending = text[-ENDING:]
    values = ending.rstrip(EMPTY)
    if values:  # without a copy of all the rest
        return len(text) - len(ending) + len(values)
    return len(text.rstrip(EMPTY))


def _refuse_other_encodings(content: bytes) -> None:
    beginning = content[:BEGINNING]
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            raise DataError(f"the file is {encoding}, allowed is UTF-8")
    if beginning.count(0) * 4 > len(beginning):
        raise DataError("the file is UTF-16 by its NUL bytes, allowed is UTF-8")
    nul = content.find(0)
    if nul >= 0:
        raise DataError(f"line {_line(content, nul)} has a NUL byte, allowed is text")
    if content.isascii():
        return
    try:
        content.decode()
    except UnicodeDecodeError as error:
        byte = content[error.start]
        raise DataError(
            f"line {_line(content, error.start)} is not UTF-8 (the byte {byte:#04x}), "
            "as in a file that is Latin-1 or Windows-1252; allowed is UTF-8"
        ) from error


def _line(content: bytes, position: int) -> int:
    """The number of the line at this position; the first is 1."""
    return 1 + len(LINE_END.findall(content, 0, position))
