"""What an environment is: the types of its values and their checks. Both halves import this file and nothing of each other."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import get_args, get_origin, get_type_hints

from names import Names

REPOSITORY = Path(__file__).resolve().parent
MODELS = REPOSITORY / "pipeline" / "models"
BEAM_ENGINES = ("direct", "dataflow")
TRACKERS = ("vertex-experiments", "none")


class SettingsError(ValueError):
    """What keeps environments from being deployed, all of it in one sentence."""


def model_names() -> list[str]:
    """The models of this repository: the folders of pipeline/models that hold a model.toml."""
    return sorted(path.parent.name for path in MODELS.glob("*/model.toml"))


@dataclass(frozen=True)
class GitHub:
    """The repository that is built, and the installation of Cloud Build's GitHub app that may read it."""

    repository: str
    app_installation_id: int

    def problems(self) -> Iterator[str]:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repository):
            yield f"github.repository is {self.repository!r}, allowed is OWNER/NAME"
        if self.app_installation_id < 1:
            yield f"github.app_installation_id is {self.app_installation_id}, allowed is the positive number in the installation's URL"


@dataclass(frozen=True)
class Training:
    """Where the Trainer runs: in its own pipeline node, or with a machine_type as a Vertex custom job."""

    machine_type: str | None = None

    def problems(self) -> Iterator[str]:
        yield from _machine_type_problems("training.machine_type", self.machine_type)


@dataclass(frozen=True)
class Serving:
    """The machines behind an endpoint, the shares of traffic (percent) that a new version takes in turn, and what it may not exceed meanwhile.

    Without `keep_warm` every version is undeployed once it has answered its smoke test, and nothing is paid for.
    """

    machine_type: str = "n1-standard-2"
    min_replicas: int = 1
    max_replicas: int = 1
    keep_warm: bool = False
    traffic_steps: tuple[int, ...] = (1, 10, 50, 100)
    step_minutes: int = 5  # Cloud Monitoring lags by up to three
    largest_error_share: float = 0.05
    largest_p99_ms: int = 1000

    def problems(self) -> Iterator[str]:
        yield from _machine_type_problems("serving.machine_type", self.machine_type)
        if not 1 <= self.min_replicas <= self.max_replicas:
            yield f"serving supplies {self.min_replicas}..{self.max_replicas} replicas, allowed is 1 <= min_replicas <= max_replicas"
        steps = self.traffic_steps
        if not steps or steps[-1] != 100 or steps[0] < 1 or list(steps) != sorted(set(steps)):
            yield f"serving.traffic_steps is {steps}, allowed are rising percentages from 1 that end at 100"
        if self.step_minutes < 0:
            yield f"serving.step_minutes is {self.step_minutes}, allowed is at least 0"
        if not 0 < self.largest_error_share < 1:
            yield f"serving.largest_error_share is {self.largest_error_share}, allowed is more than 0 and less than 1"
        if self.largest_p99_ms < 1:
            yield f"serving.largest_p99_ms is {self.largest_p99_ms}, allowed is at least 1"


@dataclass(frozen=True)
class RequestLog:
    """How much of the traffic is logged, and for how long."""

    sampling_rate: float = 0.1
    retention_days: int = 90

    def problems(self) -> Iterator[str]:
        if not 0 < self.sampling_rate <= 1:
            yield f"request_log.sampling_rate is {self.sampling_rate}, allowed is more than 0 and at most 1"
        if self.retention_days < 1:
            yield f"request_log.retention_days is {self.retention_days}, allowed is at least 1"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One environment; raises one SettingsError with everything that keeps it from being deployed."""

    stage: str
    project_id: str
    project_number: int
    region: str
    github: GitHub
    billing_account: str | None = None
    monthly_budget: int | None = None  # in the billing account's currency
    deletable: bool = False
    promotes_from: str | None = None
    beam_engine: str = "direct"
    tracker: str = "vertex-experiments"
    training: Training = field(default_factory=Training)
    serving: Serving = field(default_factory=Serving)
    request_log: RequestLog = field(default_factory=RequestLog)
    consumers: tuple[str, ...] = ()  # principals that may ask for predictions
    readers: tuple[str, ...] = ()  # principals that may read the log without its personal columns
    alert_emails: tuple[str, ...] = ()
    approval_required: bool = True
    legacy_ai_platform: bool = False
    gcr_repository: bool = False

    def __post_init__(self) -> None:
        if problems := list(_type_problems(self)) or list(self.problems()):
            raise SettingsError(f"environment {self.stage}: {'; '.join(problems)}")

    @property
    def names(self) -> Names:
        return Names(self)

    def problems(self) -> Iterator[str]:
        if not re.fullmatch(r"[a-z][a-z0-9]{1,9}", self.stage):
            yield f"stage is {self.stage!r}, allowed are 2 to 10 lowercase letters and digits, a letter first"
        if not re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", self.project_id):
            yield f"project_id is {self.project_id!r}, allowed are 6 to 30 lowercase letters, digits and hyphens, a letter first"
        if self.project_number < 1:
            yield f"project_number is {self.project_number}, allowed is the project's positive number"
        if not re.fullmatch(r"[a-z]+-[a-z]+\d+", self.region):
            yield f"region is {self.region!r}, allowed is a region such as europe-west1"
        if self.beam_engine not in BEAM_ENGINES:
            yield f"beam_engine is {self.beam_engine!r}, allowed are {', '.join(BEAM_ENGINES)}"
        if self.tracker not in TRACKERS:
            yield f"tracker is {self.tracker!r}, allowed are {', '.join(TRACKERS)}"
        if self.promotes_from == self.stage:
            yield f"promotes_from is {self.promotes_from!r}, allowed is another stage"
        yield from self._people_problems()
        for part in (self.github, self.training, self.serving, self.request_log):
            yield from part.problems()
        yield from self.names.problems(model_names())

    def _people_problems(self) -> Iterator[str]:
        if self.billing_account is not None and not re.fullmatch(r"[0-9A-F]{6}(-[0-9A-F]{6}){2}", self.billing_account):
            yield f"billing_account is {self.billing_account!r}, allowed is XXXXXX-XXXXXX-XXXXXX"
        if self.monthly_budget is not None and self.billing_account is None:
            yield f"monthly_budget is {self.monthly_budget}, allowed only with a billing_account"
        if self.monthly_budget is not None and self.monthly_budget < 1:
            yield f"monthly_budget is {self.monthly_budget}, allowed is at least 1"
        for email in self.alert_emails:
            if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
                yield f"alert_emails has {email!r}, allowed are e-mail addresses"
        if self.monthly_budget is not None and len(self.alert_emails) > 5:
            yield f"alert_emails has {len(self.alert_emails)} addresses, allowed are 5 with a monthly_budget"
        if not self.deletable and not self.alert_emails:
            yield "alert_emails is empty, allowed only where deletable: what is kept must be watched"
        for principal in (*self.consumers, *self.readers):
            if not re.fullmatch(r"(user|group|serviceAccount|domain):\S+", principal):
                yield f"consumers and readers have {principal!r}, allowed are user:, group:, serviceAccount: and domain: principals"


def _type_problems(values: object, key: str = "") -> Iterator[str]:
    """A value of another type than its field's, before any check that would stumble over it."""
    for name, type_ in get_type_hints(type(values)).items():
        value = getattr(values, name)
        plain = get_args(type_) if isinstance(type_, UnionType) else (get_origin(type_) or type_,)
        right = isinstance(value, (*plain, int) if float in plain else plain) and not (isinstance(value, bool) and bool not in plain)
        if not right:
            yield f"{key}{name} is {value!r}, allowed is {getattr(type_, '__name__', type_)}"
        elif hasattr(value, "__dataclass_fields__"):
            yield from _type_problems(value, f"{name}.")


def _machine_type_problems(key: str, value: str | None) -> Iterator[str]:
    if value is not None and not re.fullmatch(r"[a-z]\w*-[a-z]+(-\w+)*", value):
        yield f"{key} is {value!r}, allowed is a Compute Engine machine type such as n1-standard-4"
