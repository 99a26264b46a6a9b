"""A recipe of Cloud Build as it is written, checked more strictly than Cloud Build does.

There, a missing substitution of a triggered build is an empty text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

RECIPE_KEYS = {"steps", "options", "timeout"}
STEP_KEYS = {"id", "name", "entrypoint", "args", "env"}
BUILT_IN = ("COMMIT_SHA", "BUILD_ID", "PROJECT_ID", "LOCATION")
SUBSTITUTION = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<bare>[A-Z_][A-Z0-9_]*)|\{(?P<braced>[A-Z_][A-Z0-9_]*)\}|)"
)
BUILDERS = {  # image -> what is run in it
    r"gcr\.io/cloud-builders/docker": "docker",
    r"docker\.io/library/python:3\.13\.\d+-slim-trixie@sha256:[0-9a-f]{64}": "python3",
}
WITHOUT_ENTRYPOINT = ("docker",)  # the builder's image has it


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
    if (
        not isinstance(document, dict)
        or not isinstance(document.get("steps"), list)
        or not document["steps"]
    ):
        raise RecipeError("a recipe has a list of steps")
    if unknown := sorted(set(document) - RECIPE_KEYS):
        raise RecipeError(
            f"a recipe has the unknown key {unknown[0]}, allowed are "
            f"{', '.join(sorted(RECIPE_KEYS))}"
        )
    if not re.fullmatch(r"[1-9]\d*s", str(document.get("timeout"))):
        raise RecipeError(
            f"timeout is {document.get('timeout')!r}, allowed are whole seconds such as 600s"
        )
    if wrong := sorted(
        name for name in substitutions if not name.startswith("_") and name not in BUILT_IN
    ):
        raise RecipeError(
            f"the substitution {wrong[0]} is given, allowed are {', '.join(BUILT_IN)} and those "
            "that begin with _"
        )
    used = set[str]()
    steps = [
        _step(number, step, substitutions, used) for number, step in enumerate(document["steps"])
    ]
    if unused := sorted(
        name for name in substitutions if name.startswith("_") and name not in used
    ):
        raise RecipeError(f"the substitution {unused[0]} is given and never used")
    return Recipe(steps, float(document["timeout"].removesuffix("s")))


def _step(number: int, told: Any, known: Mapping[str, str], used: set[str]) -> Step:
    id_ = str(told.get("id", number)) if isinstance(told, dict) else str(number)
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        raise RecipeError(f"step {id_} has no name, which is its builder")
    if unknown := sorted(set(told) - STEP_KEYS):
        raise RecipeError(
            f"step {id_} has the unknown key {unknown[0]}, allowed are "
            f"{', '.join(sorted(STEP_KEYS))}"
        )
    if not isinstance(told.get("entrypoint", ""), str):
        raise RecipeError(f"step {id_}: entrypoint is {told['entrypoint']!r}, allowed is one text")
    for key in ("args", "env"):
        if not isinstance(value := told.get(key, []), list) or not all(
            isinstance(part, str) for part in value
        ):
            raise RecipeError(f"step {id_}: {key} is {value!r}, allowed is a list of texts")

    def apply(text: str) -> str:
        return _substituted(text, id_, known, used)

    program = _program(id_, apply(told["name"]), apply(told.get("entrypoint", "")))
    variables = [apply(variable).partition("=") for variable in told.get("env", [])]
    if wrong := [name for name, equals, _ in variables if not equals]:
        raise RecipeError(f"step {id_}: env holds {wrong[0]!r}, allowed is NAME=VALUE")
    return Step(
        id_,
        (program, *map(apply, told.get("args", []))),
        {name: value for name, _, value in variables},
    )


def _program(id_: str, builder: str, entrypoint: str) -> str:
    program = next(
        (program for image, program in BUILDERS.items() if re.fullmatch(image, builder)), None
    )
    if program is None:
        raise RecipeError(
            f"step {id_}: the builder {builder} is unknown, allowed are those of "
            f"{', '.join(BUILDERS.values())}"
        )
    if entrypoint != program and not (entrypoint == "" and program in WITHOUT_ENTRYPOINT):
        raise RecipeError(
            f"step {id_}: the entrypoint is {entrypoint!r}, allowed is {program} in {builder}"
        )
    return program


def _substituted(text: str, id_: str, known: Mapping[str, str], used: set[str]) -> str:
    def value(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        name = found["bare"] or found["braced"]
        if name is None:
            raise RecipeError(
                f"step {id_}: {text!r} holds a $ that begins no substitution, write $$ for a dollar"
            )
        if not name.startswith("_") and name not in BUILT_IN:
            raise RecipeError(
                f"step {id_}: the substitution {name} is unknown, allowed are "
                f"{', '.join(BUILT_IN)} and those that begin with _"
            )
        if name not in known:
            raise RecipeError(f"step {id_}: the substitution {name} is missing")
        if name in BUILT_IN and not known[name]:
            raise RecipeError(f"step {id_}: the substitution {name} is empty")
        used.add(name)
        return known[name]

    return SUBSTITUTION.sub(value, text)
