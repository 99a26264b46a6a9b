"""A probe and its answer: as assumed, wrong, or unknown and why."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from infra.doctor.finding import NotAskedError
from infra.probe.project import FORM_ERRORS, Project

State = Literal["as assumed", "wrong", "unknown"]


@dataclass(frozen=True)
class Observation:
    """Whether Google does as assumed, and the observed detail."""

    assumed: bool
    detail: str


@dataclass(frozen=True)
class Probe:
    """One question; `ask` raises NotAskedError if there is no answer.

    `makes` says what is made for it, and for how long; `billed`, that it costs more than cents.
    """

    name: str
    assumption: str
    consequence: str
    ask: Callable[[Project], Observation]
    makes: str = ""
    billed: bool = False


@dataclass(frozen=True)
class Answer:
    name: str
    assumption: str
    state: State
    detail: str
    consequence: str = ""  # where the assumption is wrong

    def __str__(self) -> str:
        sentence = f"{self.state}: {self.name}: {self.detail}"
        if not self.consequence:
            return sentence
        return f"{sentence}; assumed is: {self.assumption}; so {self.consequence}"


def answer(probe: Probe, project: Project) -> Answer:
    try:
        observation = probe.ask(project)
    except NotAskedError as error:
        return unknown(probe, error.sentence)
    except FORM_ERRORS as error:
        return unknown(probe, f"an answer has another form than is documented ({error!r})")
    if observation.assumed:
        return Answer(probe.name, probe.assumption, "as assumed", observation.detail)
    return Answer(probe.name, probe.assumption, "wrong", observation.detail, probe.consequence)


def unknown(probe: Probe, reason: str) -> Answer:
    return Answer(probe.name, probe.assumption, "unknown", reason)
