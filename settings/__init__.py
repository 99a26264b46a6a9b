"""A stage: the types of its values and their checks.

Both halves import this package and nothing of each other.
"""

from settings import interpreter  # noqa: F401  (first: it refuses what is too old for the others)

# isort: split
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from settings import models
from settings.names import Names
from settings.values import CENTURY_DAYS, INT32, INT64, Within, cut, joined, shown

REPOSITORY = Path(__file__).resolve().parent.parent
BEAM_ENGINES = ("direct", "dataflow")
TRACKERS = ("vertex-experiments", "none")
# The forms of values, as regular expressions.
STAGE = r"[a-z][a-z0-9]{1,9}"
PROJECT_ID = r"[a-z][a-z0-9-]{4,28}[a-z0-9]"
REGION = r"[a-z]+-[a-z]+\d+"
MACHINE_TYPE = r"[a-z]\w*-[a-z]+(-\w+)*"
BILLING_ACCOUNT = r"[0-9A-F]{6}(-[0-9A-F]{6}){2}"
# of Dataflow's workers: a subnetwork of the stage's project, or of a shared VPC's host project
NETWORK = rf"({PROJECT_ID}/)?[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?"
SIGNING_KEY = (
    rf"projects/({PROJECT_ID})/locations/[a-z0-9-]+/keyRings/[\w-]{{1,63}}"
    r"/cryptoKeys/[\w-]{1,63}/cryptoKeyVersions/[1-9]\d{0,18}"
)
HOUR_MILLISECONDS = 3_600_000
EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"
PRINCIPAL = r"(user|group|serviceAccount|domain):\S+"


class SettingsError(ValueError):
    """One sentence with all the problems that keep stages from being deployed."""


def team_folder() -> Path:
    """The folder of the team's files: environments.py and, beside it, models/."""
    spec = importlib.util.find_spec("environments")
    if spec is None or not spec.origin:
        return REPOSITORY
    return Path(spec.origin).resolve().parent


MODELS = team_folder() / "models"


def model_names(folder: Path = MODELS) -> list[str]:
    """The team's models in `folder`; raises ModelError for a link or a submodule."""
    return models.names(models.entries_in(folder))


@dataclass(frozen=True)
class GitHub:
    """The GitHub repository of the builds, and its reader.

    The reader is an installation of Cloud Build's GitHub app.
    """

    repository: Annotated[str, "OWNER/NAME"]
    app_installation_id: Annotated[
        int, "the number in the URL of Cloud Build's GitHub app", Within(1, INT64)
    ]
    branch: Annotated[str, "what is delivered from, the default branch"] = "main"

    def address(self, path: str) -> str:
        """The page of a file, as the branch has it."""
        return f"https://github.com/{self.repository}/blob/{self.branch}/{path}"

    def problems(self) -> Iterator[str]:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repository):
            yield f"github.repository is {shown(self.repository)}, allowed is OWNER/NAME"
        if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*", self.branch):
            yield (
                f"github.branch is {shown(self.branch)}, "
                "allowed are letters, digits, dots, hyphens and slashes between them"
            )


@dataclass(frozen=True)
class Training:
    """The Trainer's place: its own pipeline node, or a machine of its own."""

    machine_type: Annotated[str | None, "a Vertex custom job's; None: in the pipeline's node"] = (
        None
    )

    def problems(self) -> Iterator[str]:
        yield from _machine_type_problems("training.machine_type", self.machine_type)


@dataclass(frozen=True)
class Serving:
    """The machines behind an endpoint, and the steps and limits of a new version's traffic."""

    machine_type: Annotated[str, "behind an endpoint"] = "n1-standard-2"
    min_replicas: Annotated[int, "paid for all the time", Within(1, INT32)] = 1
    max_replicas: Annotated[int, "", Within(1, INT32)] = 1
    keep_warm: Annotated[bool, "False: undeployed once it has answered"] = False
    traffic_steps: Annotated[
        tuple[int, ...], "percent that a new version takes in turn", Within(1, 100)
    ] = (1, 10, 50, 100)
    # Cloud Monitoring lags by up to three minutes; modules.yaml's build ends after 420.
    step_minutes: Annotated[int, "between two steps", Within(0, 420)] = 5
    largest_error_share: Annotated[
        float, "above this share of requests, traffic goes back", Within(0, 1, without=(0, 1))
    ] = 0.05
    largest_p99_ms: Annotated[
        int, "of latency; above it, traffic goes back", Within(1, HOUR_MILLISECONDS)
    ] = 1000

    def problems(self) -> Iterator[str]:
        yield from _machine_type_problems("serving.machine_type", self.machine_type)
        if self.min_replicas > self.max_replicas:
            replicas = f"{shown(self.min_replicas)}..{shown(self.max_replicas)}"
            yield (
                f"serving supplies {replicas} replicas, "
                "allowed is 1 <= min_replicas <= max_replicas"
            )
        if not self._has_rising_steps():
            yield (
                f"serving.traffic_steps is {shown(self.traffic_steps)}, "
                "allowed are rising percentages from 1 that end at 100"
            )

    def _has_rising_steps(self) -> bool:
        steps = self.traffic_steps
        if not steps or steps[-1] != 100:
            return False
        return list(steps) == sorted(set(steps))


@dataclass(frozen=True)
class RequestLog:
    """How much of the traffic is logged, and for how long."""

    sampling_rate: Annotated[float, "share of the requests", Within(0, 1, without=(0,))] = 0.1
    retention_days: Annotated[int, "", Within(1, CENTURY_DAYS)] = 90


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One stage; raises one SettingsError with all its problems."""

    stage: Annotated[str, "2 to 10 lowercase letters and digits"]
    project_id: Annotated[str, "of the Google Cloud project"]
    project_number: Annotated[int, "of the same project", Within(1, INT64)]
    region: Annotated[str, "such as europe-west1"]
    github: GitHub
    billing_account: Annotated[str | None, "XXXXXX-XXXXXX-XXXXXX, for a budget"] = None
    monthly_budget: Annotated[int | None, "in the billing account's currency", Within(1, INT64)] = (
        None
    )
    deletable: Annotated[bool, "teardown may destroy what holds data"] = False
    promotes_from: Annotated[str | None, "the stage before; None: the first one"] = None
    beam_engine: Annotated[str, f"{' or '.join(BEAM_ENGINES)}"] = "direct"
    network: Annotated[str | None, "Dataflow's [HOST_PROJECT/]SUBNETWORK; None: one is made"] = None
    tracker: Annotated[str, f"{' or '.join(TRACKERS)}"] = "vertex-experiments"
    training: Training = field(default_factory=Training)
    serving: Serving = field(default_factory=Serving)
    request_log: RequestLog = field(default_factory=RequestLog)
    consumers: Annotated[tuple[str, ...], "principals that may ask for predictions"] = ()
    readers: Annotated[
        tuple[str, ...],
        "who read the log without personal data, and lineage",
    ] = ()
    alert_emails: Annotated[tuple[str, ...], "who is told; needed unless deletable"] = ()
    approval_required: Annotated[bool, "a delivery waits for a person in Cloud Build"] = True
    request_retraining: Annotated[bool, "the monitor asks for one where a drift lasts"] = False
    signing_key: Annotated[
        str | None, "Cloud KMS's key version that signs what made a model; None: unsigned"
    ] = None
    legacy_ai_platform: Annotated[bool, "also the models of AI Platform, for its old clients"] = (
        False
    )
    gcr_repository: Annotated[bool, "also a repository for Container Registry's addresses"] = False

    def __post_init__(self) -> None:
        problems = list(_type_problems(self))
        if not problems:  # the other checks assume the types
            problems = [*_range_problems(self), *self.problems()]
        if problems:
            raise SettingsError(f"stage {self._label}: {joined(problems)}")

    @property
    def names(self) -> Names:
        return Names(
            stage=self.stage,
            project_id=self.project_id,
            project_number=self.project_number,
            region=self.region,
            github_repository=self.github.repository,
        )

    @property
    def _label(self) -> str:
        """The stage in a sentence, also an invalid one."""
        if isinstance(self.stage, str) and self.stage.isidentifier():
            return cut(self.stage, 20)
        return shown(self.stage)

    @property
    def makes_network(self) -> bool:
        """Whether foundation makes a network for Dataflow's workers."""
        return self.beam_engine == "dataflow" and self.network is None

    @property
    def subnetwork(self) -> str:
        """The resource name of the subnetwork of Dataflow's workers, in the stage's region."""
        host, _, name = (self.network or self.names.network).rpartition("/")
        project = host or self.project_id
        return f"projects/{project}/regions/{self.region}/subnetworks/{name}"

    def problems(self) -> Iterator[str]:
        if not re.fullmatch(STAGE, self.stage):
            yield (
                f"stage is {shown(self.stage)}, "
                "allowed are 2 to 10 lowercase letters and digits, a letter first"
            )
        if not re.fullmatch(PROJECT_ID, self.project_id):
            yield (
                f"project_id is {shown(self.project_id)}, "
                "allowed are 6 to 30 lowercase letters, digits and hyphens, a letter first"
            )
        if not re.fullmatch(REGION, self.region):
            yield f"region is {shown(self.region)}, allowed is a region such as europe-west1"
        if self.beam_engine not in BEAM_ENGINES:
            yield f"beam_engine is {shown(self.beam_engine)}, allowed are {', '.join(BEAM_ENGINES)}"
        if self.tracker not in TRACKERS:
            yield f"tracker is {shown(self.tracker)}, allowed are {', '.join(TRACKERS)}"
        if self.promotes_from == self.stage:
            yield f"promotes_from is {shown(self.promotes_from)}, allowed is another stage"
        yield from self._network_problems()
        yield from self._signing_key_problems()
        yield from self._money_problems()
        yield from self._people_problems()
        for part in (self.github, self.training, self.serving):
            yield from part.problems()
        yield from self._model_problems()

    def _model_problems(self) -> Iterator[str]:
        try:
            names = model_names()
        except models.ModelError as error:
            yield str(error)
            return
        yield from self.names.problems(names)

    def _network_problems(self) -> Iterator[str]:
        if self.network is None:
            return
        if self.beam_engine != "dataflow":
            yield f"network is {shown(self.network)}, allowed only with beam_engine dataflow"
        if not re.fullmatch(NETWORK, self.network):
            yield (
                f"network is {shown(self.network)}, "
                "allowed is SUBNETWORK or HOST_PROJECT/SUBNETWORK"
            )

    def _signing_key_problems(self) -> Iterator[str]:
        """A custom role of the project lets the deployer grant the key, so that it lies there."""
        if self.signing_key is None:
            return
        match = re.fullmatch(SIGNING_KEY, self.signing_key)
        if match is None or match.group(1) != self.project_id:
            yield (
                f"signing_key is {shown(self.signing_key)}, allowed is projects/{self.project_id}/"
                "locations/LOCATION/keyRings/RING/cryptoKeys/KEY/cryptoKeyVersions/NUMBER"
            )

    def _money_problems(self) -> Iterator[str]:
        account, budget = self.billing_account, self.monthly_budget
        if account is not None and not re.fullmatch(BILLING_ACCOUNT, account):
            yield f"billing_account is {shown(account)}, allowed is XXXXXX-XXXXXX-XXXXXX"
        if budget is None:
            return
        if account is None:
            yield f"monthly_budget is {shown(budget)}, allowed only with a billing_account"

    def _people_problems(self) -> Iterator[str]:
        for email in self.alert_emails:
            if not re.fullmatch(EMAIL, email):
                yield f"alert_emails has {shown(email)}, allowed are e-mail addresses"
        count = len(self.alert_emails)
        if self.monthly_budget is not None and count > 5:
            yield f"alert_emails has {count} addresses, allowed are 5 with a monthly_budget"
        if not self.deletable and not self.alert_emails:
            yield (
                "alert_emails is empty, allowed only where deletable: what is kept must be watched"
            )
        for principal in (*self.consumers, *self.readers):
            if not re.fullmatch(PRINCIPAL, principal):
                yield (
                    f"consumers and readers have {shown(principal)}, "
                    "allowed are user:, group:, serviceAccount: and domain: principals"
                )


def _type_problems(stage: Settings) -> Iterator[str]:
    """Find values of another type than their field's."""
    for key, value, hint in _values(stage):
        type_, *_ = get_args(hint)
        if not _is_of(value, type_):
            type_name = type_.__name__ if isinstance(type_, type) else type_
            yield f"{key} is {shown(value)}, allowed is {type_name}"


def _range_problems(stage: Settings) -> Iterator[str]:
    """Find numbers outside of their field's range; each number of a stage has one."""
    for key, value, hint in _values(stage):
        _, *notes = get_args(hint)
        for note in notes:
            if isinstance(note, Within):
                yield from _outside(note, key, value)


def _outside(range_: Within, key: str, value: Any) -> Iterator[str]:
    """A sentence on the value, or each item, outside of the range; None is inside."""
    numbers = value if isinstance(value, tuple) else (value,)
    for number in numbers:
        if number is not None and not range_.holds(number):
            yield f"{key} is {shown(number)}, allowed is {range_}"


def _values(part: object, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each key, its value and its annotation, those of the parts too."""
    for name, hint in get_type_hints(type(part), include_extras=True).items():
        value = getattr(part, name)
        annotated = hint if get_origin(hint) is Annotated else Annotated[hint, ""]
        yield f"{prefix}{name}", value, annotated
        if hasattr(value, "__dataclass_fields__"):
            yield from _values(value, f"{name}.")


def _is_of(value: object, type_: Any) -> bool:
    """Whether a value is of a field's type; an int is a float too, a bool is no number."""
    if isinstance(type_, UnionType):
        return any(_is_of(value, choice) for choice in get_args(type_))
    if get_origin(type_) is tuple:
        item_type, _ = get_args(type_)
        return isinstance(value, tuple) and all(_is_of(item, item_type) for item in value)
    if isinstance(value, bool):
        return type_ is bool
    if isinstance(value, int) and type_ is float:
        return True
    return isinstance(value, type_)


def _machine_type_problems(key: str, value: str | None) -> Iterator[str]:
    if value is not None and not re.fullmatch(MACHINE_TYPE, value):
        yield (
            f"{key} is {shown(value)}, "
            "allowed is a Compute Engine machine type such as n1-standard-4"
        )
