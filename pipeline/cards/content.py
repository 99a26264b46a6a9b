"""What a model's card says: each figure is its run's, and what nobody stated is None.

A card is kept as card.json beside its run's summary, so that it can be drawn again.
"""

import json
import math
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from pipeline.cards.owner import Owner
from pipeline.errors import RunError
from pipeline.model.declaration import CHANCE, Declaration

VERSION = 1
NAME = "card.json"
Json = dict[str, Any]


def _number(value: Any) -> Any:
    """The value; None for NaN and infinity, which JSON has no word for."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_number)]  # None: it could not be computed


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Metric(Part):
    name: str
    slice: str
    value: Number
    low: Number = None  # of its 95 % interval
    high: Number = None


class Bound(Part):
    metric: str
    slice: str
    value: Number
    lower_bound: float
    holds: bool


class Data(Part):
    origin: str
    licence: str
    required: list[str]
    defects: list[str]
    rows: int | None = None
    rows_dropped: int | None = None
    digest: str | None = None  # of the rows
    window: Json | None = None


class Card(Part):
    version: int = VERSION
    model: str
    run: str
    started: str  # ISO 8601
    purpose: str
    label: str
    label_columns: list[str]
    columns: dict[str, str]  # of a request -> INT, FLOAT or BYTES
    sample: Json  # a request's instance
    data: Data
    rows: dict[str, Number]  # held-out ones by slice
    metrics: list[Metric]
    gate: list[Bound]
    decision: Json
    hyperparameters: Json
    parameters: int | None  # trained numbers
    code: Json
    environment: Json
    training: Json | None
    owner: Owner


def compose(
    summary: Json, declaration: Declaration, columns: dict[str, str], owner: Owner
) -> Card | None:
    """The card of the run's model; None where the run measured none."""
    if not summary["metrics"]:
        return None
    records = summary["records"]
    slices = {"all": summary["metrics"], **summary["slices"]}
    return Card(
        model=summary["model"],
        run=summary["run"],
        started=summary["started"],
        purpose=summary["purpose"],
        label=declaration.label.name,
        label_columns=declaration.label.columns,
        columns=columns,
        sample=declaration.serving.sample,
        data=_data(declaration, records["data"]),
        rows={name: metrics.get("example_count") for name, metrics in slices.items()},
        metrics=_metrics(slices, summary),
        gate=[Bound(**check) for check in summary["gate"]],
        decision=summary["decision"],
        hyperparameters=records["hyperparameters"],
        parameters=records["model_type"].get("parameters"),
        code=records["code"],
        environment=records["environment"],
        training=records.get("training"),
        owner=owner,
    )


def _data(declaration: Declaration, record: Json) -> Data:
    data = declaration.data
    return Data(
        origin=data.origin,
        licence=data.licence,
        required=data.required,
        defects=data.defects,
        **{name: record.get(name) for name in ("rows", "rows_dropped", "digest", "window")},
    )


def _metrics(slices: Json, summary: Json) -> list[Metric]:
    """Each metric of each slice; a record leaves out those that have no number there."""
    measured = {name for values in slices.values() for name in values}
    judged = {check["metric"] for check in summary["gate"]}
    # CHANCE has no count, and no difference to the last blessed.
    names = [name for name in CHANCE if name in measured | judged]
    metrics = []
    for part, values in slices.items():
        intervals = summary["intervals"].get(part, {})
        for name in names:
            low, high = intervals.get(name) or (None, None)
            metric = Metric(name=name, slice=part, value=values.get(name), low=low, high=high)
            metrics.append(metric)
    return metrics


def encode(card: Card) -> str:
    return f"{card.model_dump_json(indent=1)}\n"


def read(file: Path) -> Card:
    """The card in the file; raises RunError for none, a damaged one and one of a newer version."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise RunError(f"{file}: cannot be read ({error.strerror})") from error
    return decode(text, str(file))


def decode(text: str, place: str) -> Card:
    """The card in the text; `place` is where it lies, for the errors."""
    try:
        document = json.loads(text)
        version = document["version"]
        if isinstance(version, int) and version > VERSION:
            raise RunError(f"{place} is of version {version}, allowed is {VERSION}")
        return Card.model_validate(document)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        raise RunError(f"{place} is no card ({key}: {problem['msg']})") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{place} is no card ({error!r:.100})") from error
