r"""JSON in SQL: which texts are read as JSON at all, and literals.

JSON_VALUE fails on malformed text here (DuckDB), and for BigQuery nothing is written of it. A
regular expression is the guard that both have, at half a second a million payloads; PARSE_JSON is
a Python function for each row in local-bigquery, which has no SAFE.JSON_QUERY.

A value may hold one array or object of scalars; a deeper one is no instance that a model takes.
"""

import re

SPACE = r"[ \t\n\r]*"
# A surrogate needs its other half.
_UNICODE = (
    r"u(?:[0-9abcefABCEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}"
    r"|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
STRING = rf'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|{_UNICODE}))*"'
NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?"
SCALAR = f"(?:{STRING}|{NUMBER}|true|false|null)"
UNPRINTED = re.compile(r"[\x00-\x1f\x7f'`]")
PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def _listed(element: str) -> str:
    return f"(?:{element}{SPACE}(?:,{SPACE}{element}{SPACE})*)?"


def _array(element: str) -> str:
    return rf"\[{SPACE}{_listed(element)}\]"


def _object(value: str) -> str:
    return rf"\{{{SPACE}{_listed(f'{STRING}{SPACE}:{SPACE}{value}')}\}}"


VALUE = f"(?:{SCALAR}|{_array(SCALAR)}|{_object(SCALAR)})"
INSTANCE = f"^{SPACE}{_object(VALUE)}{SPACE}$"
# A whole request: lists of objects of scalars.
_INSTANCES = _array(f"(?:{SCALAR}|{_object(SCALAR)})")
BODY = f"^{SPACE}{_object(f'(?:{SCALAR}|{_INSTANCES})')}{SPACE}$"


def raw(pattern: str) -> str:
    """A regular expression as a raw string of BigQuery's SQL."""
    return f"r'''{pattern}'''"


def literal(text: str) -> str:
    """A text in BigQuery's SQL. local-bigquery decodes escapes twice: a backslash is CHR(92)."""
    parts = [f"'{UNPRINTED.sub(_escaped, part)}'" for part in text.split("\\")]
    joined = ", CHR(92), ".join(parts)
    return f"CONCAT({joined})" if len(parts) > 1 else joined


def _escaped(character: re.Match[str]) -> str:
    return f"\\x{ord(character[0]):02x}"


def path(column: str) -> str:
    """The JSON path of a column of an instance, as a string of BigQuery's SQL."""
    return f"'$.{column}'" if PLAIN.fullmatch(column) else literal(f'$."{column}"')
