"""The team's own prices of machines: prices.toml beside environments.py, if there is one.

A line says what an hour of a machine type costs, in the currency of the team's bill. Where stages
lie in several regions, a table named like one holds what differs there. None is shipped: a price
depends on region, product and contract, and one that is guessed is worse than none.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from infra.errors import UsageError
from settings import MACHINE_TYPE, REGION, team_folder
from settings.values import cut, joined, shown

FILE = "prices.toml"
HIGHEST = 10**9  # for an hour of the dearest machine, in any currency
Document = Mapping[str, Any]
Prices = Mapping[str, Decimal]  # machine type -> for one hour of one machine


def read(region: str) -> Prices | None:
    """Return the region's prices, or None without a file.

    Raises UsageError with what is wrong in the file.
    """
    file = team_folder() / FILE
    if not file.exists():
        return None
    document = _document(file)
    if problems := list(_problems(document)):
        raise UsageError(f"{FILE}: {joined(problems)}")
    regional = document.get(region, {})
    prices = {}
    for key, value in {**document, **regional}.items():
        if not isinstance(value, dict):
            prices[key] = Decimal(value)
    return prices


def _document(file: Path) -> Document:
    try:
        text = file.read_text(encoding="utf-8-sig")
        return tomllib.loads(text, parse_float=Decimal)
    # ArithmeticError: an exponent that is beyond Decimal's.
    except (OSError, ValueError, ArithmeticError, RecursionError) as error:
        reason = cut(str(error))
        raise UsageError(f"{FILE}: not TOML that can be read: {reason}") from None


def _problems(document: Document) -> Iterator[str]:
    for key, value in document.items():
        is_table = isinstance(value, dict)
        if is_table and re.fullmatch(REGION, key):
            for machine_type, price in value.items():
                yield from _problems_of_price(machine_type, price, f"{key}.{machine_type}")
        else:
            yield from _problems_of_price(key, value, key)


def _problems_of_price(machine_type: str, value: object, name: str) -> Iterator[str]:
    if not re.fullmatch(MACHINE_TYPE, machine_type):
        yield (
            f"the key {shown(name)} is no machine type, "
            "allowed are those of Compute Engine such as n1-standard-4"
        )
    elif not _is_price(value):
        price = _written(value)
        yield f"{cut(name)} is {price}, allowed is a price per hour from 0 to {HIGHEST}"


def _is_price(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return False
    number = Decimal(value)
    return number.is_finite() and 0 <= number <= HIGHEST


def _written(value: object) -> str:
    """The value as in the file, cut if it is long."""
    if isinstance(value, Decimal):
        return cut(str(value))
    return shown(value)
