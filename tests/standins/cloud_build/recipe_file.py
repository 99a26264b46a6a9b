"""A recipe of Cloud Build as it is written, checked more strictly than Cloud Build does.

There, a missing substitution of a triggered build is an empty text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

RECIPE_KEYS = {"steps", "options", "timeout"}
STEP_KEYS = {"id", "name", "entrypoint", "args", "env"}
BUILT_IN = ("COMMIT_SHA", "BUILD_ID", "PROJECT_ID", "LOCATION")
SUBSTITUTION = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<bare>[A-Z_][A-Z0-9_]*)|\{(?P<braced>[A-Z_][A-Z0-9_]*)\}|)"
)
DOCKER_IMAGE = r"gcr\.io/cloud-builders/docker(@sha256:[0-9a-f]{64})?"
PYTHON_IMAGE = r"docker\.io/library/python:3\.13\.\d+-slim-trixie@sha256:[0-9a-f]{64}"
BUILDERS = {DOCKER_IMAGE: "docker", PYTHON_IMAGE: "python3"}  # image -> what is run in it
WITHOUT_ENTRYPOINT = ("docker",)  # the builder's image has it
# What an image holds of Debian's packages, by the program that is run in it. The slim image's
# Python has its headers and venv and is no package. Of docker's image there is the stand-in's
# Python alone.
PYTHON_PACKAGES = ("ca-certificates", "python3", "python3-dev", "python3-venv")
PACKAGES = {"docker": PYTHON_PACKAGES, "python3": PYTHON_PACKAGES}
TIMEOUT = re.compile(r"[1-9]\d*s")


class RecipeError(Exception):
    """The fault of a recipe or of its substitutions, in one sentence."""


@dataclass(frozen=True)
class Step:
    id: str
    command: tuple[str, ...]
    env: dict[str, str]


class Recipe(NamedTuple):
    steps: list[Step]
    timeout_seconds: float


def read(text: str, substitutions: Mapping[str, str]) -> Recipe:
    """The commands of a recipe, each substitution applied; raises RecipeError."""
    document = yaml.safe_load(text)
    written_steps = _written_steps(document)
    seconds = _seconds(document.get("timeout"))
    _check_names(substitutions)

    values = Substitutions(substitutions)
    steps = [_step(number, fields, values) for number, fields in enumerate(written_steps)]
    for name in sorted(substitutions):
        if name.startswith("_") and name not in values.used:
            raise RecipeError(f"the substitution {name} is given and never used")
    return Recipe(steps, seconds)


def _written_steps(document: Any) -> list[Any]:
    if not isinstance(document, dict):
        raise RecipeError("a recipe has a list of steps")
    steps = document.get("steps")
    if not isinstance(steps, list) or not steps:
        raise RecipeError("a recipe has a list of steps")
    _check_keys("a recipe", document, RECIPE_KEYS)
    return steps


def _check_keys(owner: str, fields: dict[str, Any], allowed: set[str]) -> None:
    unknown_keys = sorted(fields.keys() - allowed)
    if unknown_keys:
        raise RecipeError(
            f"{owner} has the unknown key {unknown_keys[0]}, allowed are "
            f"{', '.join(sorted(allowed))}"
        )


def _seconds(timeout: Any) -> float:
    text = str(timeout)
    if not TIMEOUT.fullmatch(text):
        raise RecipeError(f"timeout is {timeout!r}, allowed are whole seconds such as 600s")
    digits = text.removesuffix("s")
    return float(digits)


def _check_names(substitutions: Mapping[str, str]) -> None:
    for name in sorted(substitutions):
        if not _may_be_given(name):
            raise RecipeError(
                f"the substitution {name} is given, allowed are {', '.join(BUILT_IN)} and those "
                "that begin with _"
            )


def _may_be_given(name: str) -> bool:
    return name.startswith("_") or name in BUILT_IN


@dataclass
class Substitutions:
    """The values of a build, and the names used so far by its recipe."""

    values: Mapping[str, str]
    used: set[str] = field(default_factory=set)

    def applied(self, text: str, step: str) -> str:
        """The text with each substitution in place; `step` is the step's id."""

        def replacement(match: re.Match[str]) -> str:
            if match["dollar"]:
                return "$"
            name = match["bare"] or match["braced"]
            if name is None:
                raise RecipeError(
                    f"step {step}: {text!r} holds a $ that begins no substitution, "
                    "write $$ for a dollar"
                )
            return self._value(name, step)

        return SUBSTITUTION.sub(replacement, text)

    def _value(self, name: str, step: str) -> str:
        if not _may_be_given(name):
            raise RecipeError(
                f"step {step}: the substitution {name} is unknown, allowed are "
                f"{', '.join(BUILT_IN)} and those that begin with _"
            )
        value = self.values.get(name)
        if value is None:
            raise RecipeError(f"step {step}: the substitution {name} is missing")
        if name in BUILT_IN and not value:
            raise RecipeError(f"step {step}: the substitution {name} is empty")
        self.used.add(name)
        return value


def _step(number: int, fields: Any, substitutions: Substitutions) -> Step:
    id_ = str(number)
    if isinstance(fields, dict):
        id_ = str(fields.get("id", number))
    _check_fields(id_, fields)

    def apply(text: str) -> str:
        return substitutions.applied(text, id_)

    builder = apply(fields["name"])
    entrypoint = apply(fields.get("entrypoint", ""))
    program = _program(id_, builder, entrypoint)
    variables = [apply(variable) for variable in fields.get("env", [])]
    env = _by_name(id_, variables)
    arguments = map(apply, fields.get("args", []))
    return Step(id_, (program, *arguments), env)


def _check_fields(id_: str, fields: Any) -> None:
    """Refuse the keys of a step and the types of their values."""
    if not isinstance(fields, dict) or not isinstance(fields.get("name"), str):
        raise RecipeError(f"step {id_} has no name, which is its builder")
    _check_keys(f"step {id_}", fields, STEP_KEYS)
    entrypoint = fields.get("entrypoint", "")
    if not isinstance(entrypoint, str):
        raise RecipeError(f"step {id_}: entrypoint is {entrypoint!r}, allowed is one text")
    for key in ("args", "env"):
        value = fields.get(key, [])
        if not _is_list_of_texts(value):
            raise RecipeError(f"step {id_}: {key} is {value!r}, allowed is a list of texts")


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _by_name(id_: str, variables: list[str]) -> dict[str, str]:
    values = {}
    for variable in variables:
        name, equals, value = variable.partition("=")
        if not equals:
            raise RecipeError(f"step {id_}: env holds {name!r}, allowed is NAME=VALUE")
        values[name] = value
    return values


def _program(id_: str, builder: str, entrypoint: str) -> str:
    program = _program_in(builder)
    if program is None:
        raise RecipeError(
            f"step {id_}: the builder {builder} is unknown, allowed are those of "
            f"{', '.join(BUILDERS.values())}"
        )
    if entrypoint == "" and program in WITHOUT_ENTRYPOINT:
        return program
    if entrypoint != program:
        raise RecipeError(
            f"step {id_}: the entrypoint is {entrypoint!r}, allowed is {program} in {builder}"
        )
    return program


def _program_in(builder: str) -> str | None:
    for image, program in BUILDERS.items():
        if re.fullmatch(image, builder):
            return program
    return None
