"""Values of environments.py still as shipped."""

import re
import tomllib
from functools import cache
from operator import attrgetter
from pathlib import Path

from infra.doctor.finding import Finding, missing, ok
from settings import Settings

SHIPPED = Path(__file__).with_name("placeholders.toml")


@cache
def _patterns() -> dict[str, str]:
    text = SHIPPED.read_text(encoding="utf-8")
    patterns: dict[str, str] = tomllib.loads(text)
    return patterns


def shipped(settings: Settings, key: str) -> list[str]:
    """Return the placeholders among the values of `key` ("github.repository")."""
    value = attrgetter(key)(settings)
    parts = value if isinstance(value, tuple) else (value,)
    texts = [str(part) for part in parts]
    pattern = _patterns()[key]
    return [text for text in texts if re.fullmatch(pattern, text)]


def placeholders(subject: str, *, settings: Settings) -> Finding:
    leftovers = []
    for key in _patterns():
        values = shipped(settings, key)
        if values:
            leftovers.append(f"{key} {', '.join(values)}")
    if not leftovers:
        return ok(subject, "no value is a placeholder")
    summary = "; ".join(leftovers)
    gap = f"{settings.stage} still has the shipped values: {summary}"
    return missing(subject, gap, "${EDITOR:-vi} environments.py")
