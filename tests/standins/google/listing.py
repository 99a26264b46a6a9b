"""The parameters of a listing of Google's: a filter of equal fields, and a page.

The stand-in refuses what it doesn't know: a filter that was ignored would answer too much, and no
test would notice.
"""

import re
from collections.abc import Mapping, Sequence

from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body

CLAUSE = r'([\w.-]+)\s*=\s*"([^"]*)"'
FILTER = re.compile(rf"\s*{CLAUSE}(\s+AND\s+{CLAUSE})*\s*")


def clauses(asked: str, known: str) -> list[tuple[str, str]]:
    """The fields and values of NAME="VALUE" AND NAME="VALUE" ...

    `known` is a pattern of the names that are allowed.
    """
    if not asked:
        return []
    pairs = re.findall(CLAUSE, asked)
    if not FILTER.fullmatch(asked) or not all(re.fullmatch(known, name) for name, _ in pairs):
        raise RefusedError(
            400,
            (
                f'Invalid filter: {asked}: the stand-in knows {known} of the form NAME="VALUE", '
                "joined by AND"
            ),
        )
    return pairs


def page(field: str, found: Sequence[Body], query: Mapping[str, str]) -> Body:
    """The page of `found` for pageSize and pageToken; all of it without them."""
    start = int(query.get("pageToken") or 0)
    end = start + (int(query.get("pageSize") or 0) or len(found))
    following = {"nextPageToken": str(end)} if end < len(found) else {}
    return {field: list(found[start:end]), **following}
