"""The parameters of a listing of Google's: a filter of equal fields, and a page.

The stand-in refuses what it doesn't know: a filter that was ignored would answer too much, and no
test would notice.
"""

import re
from collections.abc import Mapping, Sequence

from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body

CLAUSE = r'([\w.-]+)\s*=\s*"([^"]*)"'
# Google may answer an empty page with others after it: https://google.aip.dev/158
EMPTY_PAGE = {"nextPageToken": "0"}
FILTER = re.compile(rf"\s*{CLAUSE}(\s+AND\s+{CLAUSE})*\s*")


def clauses(expression: str, allowed: str) -> list[tuple[str, str]]:
    """The fields and values of NAME="VALUE" AND NAME="VALUE" ...

    `allowed` is a pattern of the names.
    """
    if not expression:
        return []
    pairs = re.findall(CLAUSE, expression)
    other_names = [name for name, _ in pairs if not re.fullmatch(allowed, name)]
    if other_names or not FILTER.fullmatch(expression):
        raise RefusedError(
            400,
            (
                f"Invalid filter: {expression}: the stand-in knows {allowed} "
                'of the form NAME="VALUE", joined by AND'
            ),
        )
    return pairs


def page(field: str, bodies: Sequence[Body], query: Mapping[str, str]) -> Body:
    """The page of `bodies` for pageSize and pageToken; all of them without these."""
    start = int(query.get("pageToken", 0))
    size = int(query.get("pageSize", 0))
    end = start + (size or len(bodies))
    answer: Body = {field: list(bodies[start:end])}
    if end < len(bodies):
        answer["nextPageToken"] = str(end)
    return answer
