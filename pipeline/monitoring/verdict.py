"""What the monitor says of one served version in one window."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pipeline.monitoring.quality.live import Quality

Kind = Literal[
    "ok",
    "season",
    "drift",
    "fault",
    "worse",
    "expected worse",
    "not enough data",
    "log incomplete",
    "no requests",
    "no baseline",
]
# Those that somebody has to look at.
NEEDS_SOMEONE = (
    "drift",
    "fault",
    "worse",
    "expected worse",
    "log incomplete",
    "no requests",
    "no baseline",
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One change, named; `name` is the fault's name, or the kind."""

    kind: Literal["fault", "drift", "worse", "expected worse"]
    name: str
    columns: tuple[str, ...]
    sentence: str
    remedy: str
    distance: float | None = None
    limit: float | None = None
    measure: Literal["bits", "share"] = "bits"  # of both
    importance: float = 0.0
    accepted: str | None = None  # by whom, until when, and why


@dataclass(frozen=True, kw_only=True)
class Smallest:
    """The smallest changes that the window would have shown, in the typical judged column."""

    scale: float | None  # a number multiplied by it; None where no factor would have shown
    share: float  # of a bin, as a fraction


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`sentence` is all that somebody in a hurry reads."""

    model: str
    deployed_model_id: str
    begin: datetime
    end: datetime
    kind: Kind
    sentence: str
    findings: tuple[Finding, ...] = ()  # the worst first
    instances: int = 0
    requests: int = 0
    expected_requests: float | None = None  # answered x sampling rate, where that is known
    smallest: Smallest | None = None
    unjudged: Mapping[str, str] = field(default_factory=dict)  # column -> why
    quality: Quality | None = None

    @property
    def needs_someone(self) -> bool:
        return self.kind in NEEDS_SOMEONE
