"""What a run's summary.json says of where its model came from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from pipeline.errors import RunError
from pipeline.provenance.facts import Code, Environment

T = TypeVar("T")
Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    run: str
    model: str
    started: str
    code: Code
    environment: Environment
    data: Json
    hyperparameters: Json
    metrics: Json

    @property
    def digests(self) -> list[str]:
        """All names of the rows that were read."""
        return [self.data[name] for name in ("digest", "sha256") if self.data.get(name)]

    @property
    def days(self) -> tuple[str, str] | None:
        """The first and the last day of the rows, as far as they are noted."""
        window = self.data.get("window") or {}
        first = window.get("first") or window.get("begin")
        last = window.get("last") or window.get("end")
        return (first[:10], last[:10]) if first and last else None


def decode(text: str | bytes, place: str) -> RunFacts:
    """The facts in a summary; raises RunError for what is none."""
    try:
        summary = json.loads(text)
        records = summary["records"]
        return RunFacts(
            run=summary["run"],
            model=summary["model"],
            started=summary.get("started", ""),
            code=_typed(Code, records["code"]),
            environment=_typed(Environment, records["environment"]),
            data=records["data"],
            hyperparameters=records["hyperparameters"],
            metrics=records["metrics"],
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(f"{place} is no summary of a run ({error!r:.80})") from error


def _typed(type_: type[T], values: Json) -> T:
    """The dataclass of a newer or older record: what it does not know is left out."""
    names = {field.name for field in fields(type_)}  # type: ignore[arg-type]
    return type_(**{name: value for name, value in values.items() if name in names})
