"""What a run's summary.json says of where its model came from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from pydantic import ConfigDict, TypeAdapter, ValidationError

from pipeline.errors import RunError
from pipeline.provenance.facts import Code, Environment

Json = Mapping[str, Any]


class Window(TypedDict, total=False):
    """The days that were asked for, and those of the rows; ISO 8601."""

    begin: str | None
    end: str | None
    first: str | None
    last: str | None


class Data(TypedDict, total=False):
    """What a lineage reads of the record; all else in it is kept."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    rows: int | None
    digest: str | None
    sha256: str | None
    window: Window | None


# A key of a newer record that a type does not have is left out.
CODE, ENVIRONMENT, DATA = TypeAdapter(Code), TypeAdapter(Environment), TypeAdapter(Data)
FIGURES = TypeAdapter(dict[str, Any])


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
            code=CODE.validate_python(records["code"]),
            environment=ENVIRONMENT.validate_python(records["environment"]),
            data=DATA.validate_python(records["data"]),
            hyperparameters=FIGURES.validate_python(records["hyperparameters"]),
            metrics=FIGURES.validate_python(records["metrics"]),
        )
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        raise RunError(f"{place} is no summary of a run ({key}: {problem['msg']})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(f"{place} is no summary of a run ({error!r:.80})") from error
