"""The tokens of GoogleSQL, as sqlglot reads them.

What it knows and we would have to write: raw and triple-quoted strings, the three kinds of comment,
and quoted names (docs.cloud.google.com/bigquery/docs/reference/standard-sql/lexical).
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, Protocol

from pipeline.errors import ConfigurationError
from settings.values import cut

PARAMETER = re.compile(r"@@?\w*|\?")  # a question mark is a parameter without a name
SYSTEM_VARIABLE = "@@"  # BigQuery's own


class Token(Protocol):
    """Of sqlglot."""

    text: str  # of a quoted name or a string: without its quotes
    start: int


class Parameter(NamedTuple):
    name: str  # with its @
    start: int
    end: int


def tokens(query: str, file: str) -> tuple[Token, ...]:
    """The query's tokens, its comments not among them."""
    from sqlglot.errors import SqlglotError

    try:
        return _tokenized(query)
    except SqlglotError as error:
        raise ConfigurationError(
            f"{file}: a string, a comment or a quoted name has no end: {cut(str(error), 150)}"
        ) from error


def parameters(query: str, file: str) -> Iterator[Parameter]:
    """The query's parameters in order, without BigQuery's system variables."""
    end = 0
    for token in tokens(query, file):
        match = PARAMETER.match(query, token.start)
        # The second half of @@ is a token, too.
        if match is None or token.start < end:
            continue
        name, end = match[0], match.end()
        if not name.startswith(SYSTEM_VARIABLE):
            yield Parameter(name, token.start, end)


def semicolons(query: str, file: str) -> set[int]:
    """The places of the semicolons after statements, not those in texts or comments."""
    places = [token.start for token in tokens(query, file)]
    return {place for place in places if query[place] == ";"}


def quoted_names(query: str, file: str) -> list[str]:
    """The query's names in backticks."""
    all_tokens = tokens(query, file)
    return [token.text for token in all_tokens if query.startswith("`", token.start)]


@lru_cache(maxsize=4)  # each question about a query reads all of its tokens
def _tokenized(query: str) -> tuple[Token, ...]:
    import sqlglot  # a tenth of a second, which most verbs do without

    return tuple(sqlglot.tokenize(query, read="bigquery"))
