"""What a listing of Google's may be asked for: a filter of equal fields, and a page.

What the stand-in doesn't know is refused: a filter that was ignored would answer too much, and no test would notice.
"""

import re
from collections.abc import Mapping, Sequence

from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body

CLAUSE = r'([\w.-]+)\s*=\s*"([^"]*)"'
FILTER = re.compile(rf"\s*{CLAUSE}(\s+AND\s+{CLAUSE})*\s*")


def clauses(asked: str, known: str) -> list[tuple[str, str]]:
    """The fields and values of NAME="VALUE" AND NAME="VALUE" ...; `known` is a pattern of the names that may be asked for."""
    if not asked:
        return []
    found = re.findall(CLAUSE, asked)
    if not FILTER.fullmatch(asked) or not all(re.fullmatch(known, name) for name, _ in found):
        raise RefusedError(
            400,
            f'Invalid filter: {asked}: the stand-in knows {known} of the form NAME="VALUE", joined by AND',
        )
    return found


def page(field: str, found: Sequence[Body], query: Mapping[str, str]) -> Body:
    """The part of `found` that pageSize and pageToken ask for; all of it where they don't."""
    start = int(query.get("pageToken") or 0)
    end = start + (int(query.get("pageSize") or 0) or len(found))
    following = {"nextPageToken": str(end)} if end < len(found) else {}
    return {field: list(found[start:end]), **following}
