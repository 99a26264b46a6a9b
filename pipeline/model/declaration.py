"""The tables of model.toml, typed and checked.

An error names file, key, value and what is allowed.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import ConfigurationError

CHANCE = {
    "auc": 0.5,
    "auc_precision_recall": 0.0,
    "binary_accuracy": 0.0,
    "precision": 0.0,
    "recall": 0.0,
}

Positive = Annotated[int, Field(ge=1)]
Text = Annotated[str, Field(min_length=1)]
Location = Annotated[str, Field(pattern=r"^(US|EU|[a-z]+-[a-z]+[0-9]+)$")]  # BigQuery's
Scalar = bool | int | float | str


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Data(Table):
    # A .csv or .csv.zip: a path relative to the folder, or "package:" and a path inside an
    # installed package.
    source: Text
    required: list[Text]
    null_values: list[str] = [""]  # what a missing value looks like in the CSV
    minimum_rows: Positive
    window_days: Positive
    # Of the datasets that query.sql names; None where it names none but @table.
    location: Location | None = None
    origin: Text
    licence: Text
    defects: list[Text]


class Label(Table):
    name: Text
    columns: Annotated[list[Text], Field(min_length=1)]


class Training(Table):
    steps: Positive
    eval_steps: Positive


class Tuning(Table):
    trials: Positive
    steps: Positive
    eval_steps: Positive
    space: dict[str, Annotated[list[Scalar], Field(min_length=1)]]


class Slice(Table):
    feature: Text
    value: Scalar
    lower_bound: float


class Gate(Table):
    metric: Literal["auc", "auc_precision_recall", "binary_accuracy", "precision", "recall"]
    lower_bound: float
    # Against the last blessed model: how much of the metric a candidate may lose.
    least_change: float
    slices: list[Slice] = []

    @model_validator(mode="before")
    @classmethod
    def _has_the_right_direction(cls, table: Any) -> Any:
        if not isinstance(table, dict):
            return table
        reversed_keys = {"upper_bound", "largest_change"} & set(table)
        if reversed_keys:
            raise ValueError(
                f"{reversed_keys.pop()} is a reversed gate: "
                "every metric here is better when higher, "
                "allowed are lower_bound and least_change"
            )
        return table

    @model_validator(mode="after")
    def _can_fail_and_can_pass(self) -> Self:
        chance = CHANCE[self.metric]
        bounds = [("lower_bound", self.lower_bound)]
        for part in self.slices:
            key = f"slices.{part.feature}={part.value}.lower_bound"
            bounds.append((key, part.lower_bound))
        for key, bound in bounds:
            if not chance < bound < 1:
                raise ValueError(
                    f"{key} is {bound}, "
                    f"allowed for {self.metric} is more than {chance} and less than 1"
                )
        largest_loss = self.lower_bound - 1
        if not largest_loss < self.least_change <= 0:
            raise ValueError(
                f"least_change is {self.least_change}, "
                f"allowed is more than {largest_loss:.6g} (else it can never fail) "
                "and at most 0 (a loss is negative)"
            )
        return self


class Serving(Table):
    default_signature: Text
    sample: dict[str, Scalar]


class Declaration(Table):
    """All of model.toml."""

    purpose: Text
    data: Data
    label: Label
    training: Training
    tuning: Tuning
    gate: Gate
    serving: Serving


def read(file: Path) -> Declaration:
    try:
        table = tomllib.loads(file.read_text())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{file}: not TOML: {error}") from error
    try:
        return Declaration.model_validate(table)
    except ValidationError as error:
        problems = [_sentence(dict(details)) for details in error.errors()]
        sentences = [f"{file}: {problem}" for problem in problems]
        raise ConfigurationError("; ".join(sentences)) from error


def _sentence(error: dict[str, Any]) -> str:
    """Pydantic's error in one sentence: key, value and the allowed values."""
    kind, location = error["type"], error["loc"]
    keys = [str(part) for part in location if part not in ("bool", "int", "float", "str")]
    key = ".".join(keys)
    if kind == "missing":
        return f"{key} is missing"
    if kind == "extra_forbidden":
        table = _table_at(location[:-1])
        return f"{key} is unknown, allowed are {', '.join(table.model_fields)}"
    if kind == "value_error":
        return f"{key}.{error['ctx']['error']}"
    message = error["msg"]
    return f"{key} is {error['input']!r}, allowed: {message[0].lower()}{message[1:]}"


def _table_at(location: tuple[Any, ...]) -> Any:
    """The table at Pydantic's location of keys and indices.

    Slices are the only list of tables.
    """
    table: Any = Declaration
    for part in location:
        annotation = table.model_fields[part].annotation if isinstance(part, str) else table
        is_table = isinstance(annotation, type) and issubclass(annotation, BaseModel)
        table = annotation if is_table else Slice
    return table
