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
    patterns: dict[str, str] = tomllib.loads(SHIPPED.read_text())
    return patterns


def shipped(settings: Settings, key: str) -> list[str]:
    """Return the placeholders among the values of `key` ("github.repository")."""
    value = attrgetter(key)(settings)
    values = value if isinstance(value, tuple) else (value,)
    return [str(part) for part in values if re.fullmatch(_patterns()[key], str(part))]


def placeholders(subject: str, *, settings: Settings) -> Finding:
    leftovers = [
        f"{key} {', '.join(values)}" for key in _patterns() if (values := shipped(settings, key))
    ]
    if leftovers:
        return missing(
            subject,
            f"{settings.stage} still has the shipped values: {'; '.join(leftovers)}",
            "${EDITOR:-vi} environments.py",
        )
    return ok(subject, "no value is a placeholder")
