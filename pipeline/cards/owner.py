"""What a model's owner says of it in words: card.md of the model's folder, which may be absent.

Its text goes into the card as it is. Keys in front of it, between two lines of `---`, say what no
run can know.
"""

import os
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from pipeline.errors import ConfigurationError
from settings.values import cut, listed, shown

NAME = "card.md"
LINE = "---"
Json = dict[str, Any]


class Owner(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    license: str | None = None  # of the model, by Hugging Face's word, as apache-2.0, or `other`
    license_name: str | None = None  # of an other one
    license_link: str | None = None
    language: list[str] = []
    tags: list[str] = []
    users: list[str] = []  # for whom the model is
    out_of_scope: list[str] = []  # what it must not be used for
    contact: str | None = None
    text: str = ""

    @model_validator(mode="after")
    def _names_an_other_license(self) -> Self:
        if self.license == "other" and not self.license_name:
            raise ValueError("license is 'other' and license_name is missing")
        return self


def read(folder: Path) -> Owner:
    """The owner's words; raises ConfigurationError for keys that it does not know."""
    file = folder / NAME
    if not os.path.lexists(file):  # a link that leads nowhere is a fault
        return Owner()
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = cut(str(error), 100)
        raise ConfigurationError(f"{file}: cannot be read ({reason})") from error
    keys, body = _parts(text.replace("\r\n", "\n"))
    table = _table(file, keys)
    try:
        return Owner(**table, text=body)
    except ValidationError as error:
        [problem, *_] = error.errors()
        raise ConfigurationError(f"{file}: {_sentence(dict(problem))}") from error


def _parts(text: str) -> tuple[str, str]:
    """The keys' YAML and the text after it."""
    begin, _, following = text.partition(f"{LINE}\n")
    keys, separator, body = f"\n{following}".partition(f"\n{LINE}\n")
    if begin or not separator:
        return "", text.strip()
    return keys, body.strip()


def _table(file: Path, keys: str) -> Json:
    """The keys, each of a name that is allowed."""
    try:
        table: Any = yaml.safe_load(keys) or {}
    except (yaml.YAMLError, RecursionError) as error:
        words = cut(str(error), 150)
        raise ConfigurationError(f"{file}: its keys are not YAML: {words}") from error
    if not isinstance(table, dict):
        raise ConfigurationError(f"{file}: its keys are {shown(table)}, allowed is `key: value`")
    allowed = [name for name in Owner.model_fields if name != "text"]
    for key in table:
        if key not in allowed:
            raise ConfigurationError(
                f"{file}: the key {shown(key)} is unknown, allowed are {listed(allowed)}"
            )
    return table


def _sentence(problem: Json) -> str:
    """Of pydantic's first problem."""
    if problem["type"] == "value_error":
        context = problem["ctx"]
        return str(context["error"])
    key = ".".join(map(str, problem["loc"]))
    value = shown(problem["input"])
    message = problem["msg"]
    initial = message[0].lower()
    return f"{key} is {value}, allowed: {initial}{message[1:]}"
