"""What a model's owner says of it in words: card.md of the model's folder, which may be absent.

Its text goes into the card as it is. Keys in front of it, between two lines of `---`, say what no
run can know.
"""

from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from pipeline.errors import ConfigurationError
from settings.values import cut, listed, shown

NAME = "card.md"
LINE = "---"


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
    if not file.exists():
        return Owner()
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file}: cannot be read ({cut(str(error), 100)})") from error
    keys, body = _parts(text.replace("\r\n", "\n"))
    return _checked(file, keys, body)


def _parts(text: str) -> tuple[str, str]:
    """The keys' YAML and the text after it."""
    begin, _, following = text.partition(f"{LINE}\n")
    if begin:
        return "", text
    keys, separator, body = f"\n{following}".partition(f"\n{LINE}\n")
    return (keys, body) if separator else ("", text)


def _checked(file: Path, keys: str, body: str) -> Owner:
    try:
        table: Any = yaml.safe_load(keys) or {}
    except (yaml.YAMLError, RecursionError) as error:
        words = " ".join(str(error).split())
        raise ConfigurationError(f"{file}: its keys are not YAML: {cut(words, 150)}") from error
    if not isinstance(table, dict):
        raise ConfigurationError(f"{file}: its keys are {shown(table)}, allowed is `key: value`")
    allowed = [name for name in Owner.model_fields if name != "text"]
    for key in table:
        if key not in allowed:
            raise ConfigurationError(
                f"{file}: the key {shown(key)} is unknown, allowed are {listed(allowed)}"
            )
    try:
        return Owner(**table, text=body.strip())
    except ValidationError as error:
        raise ConfigurationError(f"{file}: {_sentence(error)}") from error


def _sentence(error: ValidationError) -> str:
    problem: dict[str, Any] = dict(error.errors()[0])
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    key = ".".join(map(str, problem["loc"]))
    message = problem["msg"]
    return f"{key} is {shown(problem['input'])}, allowed: {message[0].lower()}{message[1:]}"
