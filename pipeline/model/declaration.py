"""The tables of model.toml, typed and checked.

An error names file, key, value and what is allowed.
"""

import math
import tomllib
from collections import deque
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pipeline.errors import ConfigurationError
from settings.values import CENTURY_DAYS, INT32, INT64, Within, cut, joined, listed, shown

CHANCE = {
    "auc": 0.5,
    "auc_precision_recall": 0.0,
    "binary_accuracy": 0.0,
    "precision": 0.0,
    "recall": 0.0,
}


def _scalar(value: Any) -> Any:
    """The value, if it is a scalar; others get one refusal, not one a type."""
    if not isinstance(value, bool | int | float | str):
        raise PydanticCustomError("scalar", "text in quotes, a number, true or false")
    return value


def _path(value: str) -> str:
    if not value.isprintable():
        raise PydanticCustomError("path", "a path without control characters")
    return value


def _of_one_type(choices: list[Any]) -> list[Any]:
    """Refuse choices of several types: KerasTuner's Choice does so after the ingestion."""
    if len({type(choice) for choice in choices}) > 1:
        raise PydanticCustomError("choices", "choices of one type, as 1.0 and 0.5")
    return choices


def _in(limits: Within) -> AfterValidator:
    def check(value: float) -> float:
        if not limits.holds(value):
            raise PydanticCustomError("range", "{limits}", {"limits": str(limits)})
        return value

    return AfterValidator(check)


Count = Annotated[int, Field(ge=1, le=INT32)]  # TFX's steps are an int32
Days = Annotated[int, Field(ge=1, le=CENTURY_DAYS)]
WindowDays = Annotated[int, _in(Within(1, 366))]
DelayDays = Annotated[int, _in(Within(0, 366))]
ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]  # or a table's
Rate = Annotated[float, _in(Within(0, 365, without=(0,)))]  # a year, of a verdict a day
Bits = Annotated[float, _in(Within(0, 1, without=(0,)))]  # of a Jensen-Shannon divergence
Text = Annotated[str, Field(min_length=1)]
Location = Annotated[str, Field(pattern=r"^(US|EU|[a-z]+-[a-z]+[0-9]+)$")]  # BigQuery's
Scalar = bool | int | float | str
ScalarField = Annotated[Scalar, BeforeValidator(_scalar)]
Choices = Annotated[list[ScalarField], Field(min_length=1), AfterValidator(_of_one_type)]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Data(Table):
    # A .csv, .csv.gz or .csv.zip: a path relative to the folder, or "package:" and a path inside
    # an installed package.
    source: Annotated[Text, AfterValidator(_path)]
    required: list[Text]
    null_values: list[str] = [""]  # what a missing value looks like in the CSV
    minimum_rows: Count
    window_days: Days
    # Of the datasets that query.sql names; None where it names none but @table.
    location: Location | None = None
    origin: Text
    licence: Text
    defects: list[Text]


class Label(Table):
    name: Text
    columns: Annotated[list[Text], Field(min_length=1)]


class Training(Table):
    steps: Count
    eval_steps: Count
    # TensorFlow's operations add their numbers in one order, also on a GPU: the same bits each
    # time, more slowly.
    deterministic_operations: bool = True


class Tuning(Table):
    trials: Count
    steps: Count
    eval_steps: Count
    space: dict[str, Choices]


class Slice(Table):
    feature: Text
    value: ScalarField
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
            key = f"slices.{cut(part.feature, 40)}={cut(str(part.value), 40)}.lower_bound"
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
    sample: dict[str, ScalarField]


class Labels(Table):
    """The table where outcomes arrive: in the stage's data dataset there, in the log's here."""

    table: ColumnName
    key: ColumnName = "key"  # the `_key` of the instance that was asked
    outcome: ColumnName = "outcome"  # true or 1 for the label's positives, else false or 0
    known_at: ColumnName = "known_at"  # when the outcome became known
    delay_days: DelayDays  # after so many, most outcomes of a day are known

    @model_validator(mode="after")
    def _has_three_columns(self) -> Self:
        columns = [self.key, self.outcome, self.known_at]
        for column in columns:
            if [other.lower() for other in columns].count(column.lower()) > 1:
                raise ValueError(
                    f"key, outcome and known_at name {shown(column)} twice, "
                    "allowed are three columns"
                )
        return self


class Monitoring(Table):
    # When a row happened: seconds since the epoch, or ISO 8601 text. It need not be served.
    time_column: Text | None = None
    personal: list[Text] = []  # columns of whose values none is kept
    leave_out: list[Text] = []  # columns that are not judged by their distribution
    window_days: WindowDays = 7
    false_alarms_a_year: Rate = 1.0  # of all columns together
    limits: dict[str, Bits] = {}  # in place of those that the training rows give
    labels: Labels | None = None


class Declaration(Table):
    """All of model.toml."""

    purpose: Text
    data: Data
    label: Label
    training: Training
    tuning: Tuning
    gate: Gate
    serving: Serving
    monitoring: Monitoring = Monitoring()


def read(file: Path) -> Declaration:
    try:
        text = file.read_text(encoding="utf-8-sig")
        table = tomllib.loads(text)
    # ValueError: also bytes that are not UTF-8, and an integer of more than 4,300 digits.
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{file}: not TOML: {cut(str(error), 200)}") from error
    problems = list(_value_problems(table))
    if not problems:
        try:
            return Declaration.model_validate(table)
        except ValidationError as error:
            problems = [_sentence(dict(details)) for details in error.errors()]
    raise ConfigurationError(f"{file}: {joined(problems)}")


def _value_problems(table: dict[str, Any]) -> Iterator[str]:
    """Find values legal in TOML and not here, at any key."""
    values = deque(table.items())
    while values:
        key, value = values.popleft()
        # Not by recursion: a dotted key of TOML may have thousands of levels.
        if isinstance(value, dict):
            values.extend((f"{key}.{name}", inner) for name, inner in value.items())
        elif isinstance(value, list):
            values.extend((f"{key}.{place}", inner) for place, inner in enumerate(value))
        elif allowed := _allowed_instead(value):
            yield f"{cut(key, 80)} is {_written(value)}, allowed {allowed}"


def _allowed_instead(value: Any) -> str | None:
    """The allowed kind in the value's place; None for an allowed value."""
    if isinstance(value, datetime | date | time):
        return "is text in quotes: there are no dates here"
    if isinstance(value, float) and not math.isfinite(value):
        return "are finite numbers"
    if isinstance(value, int) and not -INT64 - 1 <= value <= INT64:
        return f"are integers of 64 bits, from {-INT64 - 1} to {INT64}"
    if isinstance(value, str) and "\0" in value:
        return "is text without a NUL character"
    return None


def _written(value: Any) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return shown(value)


def _sentence(error: dict[str, Any]) -> str:
    """Pydantic's error in one sentence: key, value and the allowed values."""
    kind, location = error["type"], error["loc"]
    keys = [str(part) for part in location]
    key = cut(".".join(keys), 80)
    if kind == "missing":
        return f"{key} is missing"
    if kind == "extra_forbidden":
        table = _table_at(location[:-1])
        return f"{key} is unknown, allowed are {listed(table.model_fields)}"
    if kind == "value_error":
        return f"{key}.{error['ctx']['error']}"
    message = error["msg"]
    return f"{key} is {shown(error['input'])}, allowed: {message[0].lower()}{message[1:]}"


def _table_at(location: tuple[Any, ...]) -> Any:
    """The table at Pydantic's location of keys and indices.

    Slices are the only list of tables.
    """
    table: Any = Declaration
    for part in location:
        annotation = table.model_fields[part].annotation if isinstance(part, str) else table
        kinds = get_args(annotation) or (annotation,)
        tables = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        table = tables[0] if tables else Slice
    return table
