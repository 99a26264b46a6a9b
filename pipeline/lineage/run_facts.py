"""What a run's summary.json says of where its model came from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from pydantic import ConfigDict, TypeAdapter, ValidationError

from pipeline.errors import RunError
from pipeline.provenance.facts import Code, Environment

DAY = 10  # characters, as of 2026-11-28
Days = tuple[str, str]
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
CODE = TypeAdapter(Code)
ENVIRONMENT = TypeAdapter(Environment)
DATA = TypeAdapter(Data)
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
        names = [self.data.get("digest"), self.data.get("sha256")]
        return [name for name in names if name]

    @property
    def days(self) -> Days | None:
        """The first and the last day of the rows, as far as they are noted."""
        window = self.data.get("window") or {}
        first = window.get("first") or window.get("begin")
        last = window.get("last") or window.get("end")
        if not first or not last:
            return None
        return first[:DAY], last[:DAY]


def decode(text: str | bytes, place: str) -> RunFacts:
    """The facts in a summary; raises RunError for what is none."""
    try:
        return _decoded(json.loads(text))
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        raise RunError(f"{place} is no summary of a run ({key}: {problem['msg']})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(f"{place} is no summary of a run ({error!r:.80})") from error


def _decoded(summary: Json) -> RunFacts:
    records = summary["records"]
    code = records["code"]
    environment = records["environment"]
    data = records["data"]
    hyperparameters = records["hyperparameters"]
    metrics = records["metrics"]
    return RunFacts(
        run=summary["run"],
        model=summary["model"],
        started=summary.get("started", ""),
        code=CODE.validate_python(code),
        environment=ENVIRONMENT.validate_python(environment),
        data=DATA.validate_python(data),
        hyperparameters=FIGURES.validate_python(hyperparameters),
        metrics=FIGURES.validate_python(metrics),
    )
