"""The team's own prices of machines: prices.toml beside environments.py, if there is one.

None is shipped: a price depends on region, product and contract, and one that is guessed is worse
than none.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from infra.errors import UsageError
from settings import MACHINE_TYPE, team_folder

FILE = "prices.toml"
Prices = Mapping[str, Decimal]  # machine type -> for one hour of one machine


def read() -> Prices | None:
    """Return the prices, or None without a file; raise UsageError with all that is wrong in it."""
    file = team_folder() / FILE
    if not file.exists():
        return None
    try:
        text = file.read_text()
        document = tomllib.loads(text, parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise UsageError(f"{FILE}: not TOML that can be read: {error}") from None
    if problems := list(_problems(document)):
        sentence = "; ".join(problems)
        raise UsageError(f"{FILE}: {sentence}")
    return {machine_type: Decimal(price) for machine_type, price in document.items()}


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    for machine_type, price in document.items():
        if not re.fullmatch(MACHINE_TYPE, machine_type):
            yield (
                f"the key {machine_type!r} is no machine type, "
                "allowed are those of Compute Engine such as n1-standard-4"
            )
        elif not _is_price(price):
            yield f"{machine_type} is {_shown(price)}, allowed is a price per hour of 0 or more"


def _is_price(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return False
    number = Decimal(value)
    return number.is_finite() and number >= 0


def _shown(value: object) -> str:
    return str(value) if isinstance(value, Decimal) else repr(value)
