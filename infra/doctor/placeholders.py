"""Values of environments.py that are still the shipped ones."""

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
    """The values of `key` ("github.repository") that are placeholders."""
    value = attrgetter(key)(settings)
    values = value if isinstance(value, tuple) else (value,)
    return [str(one) for one in values if re.fullmatch(_patterns()[key], str(one))]


def placeholders(subject: str, *, settings: Settings) -> Finding:
    if left := [
        f"{key} {', '.join(values)}" for key in _patterns() if (values := shipped(settings, key))
    ]:
        return missing(
            subject,
            f"{settings.stage} still has the shipped values: {'; '.join(left)}",
            "${EDITOR:-vi} environments.py",
        )
    return ok(subject, "no value is a placeholder")
