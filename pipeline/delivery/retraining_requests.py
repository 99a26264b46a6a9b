"""The retrainings that the monitor has asked for: an object a model in the artifacts bucket.

The monitor writes a request down, sends its message, and writes that down. The receiver writes down
that it has taken the request, starts the build, and writes that down. Whoever is ended between two
of these is completed by the next message of the same request.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from pydantic import AwareDatetime, ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from pipeline.delivery import record_object
from pipeline.delivery.record import SupersededError
from pipeline.delivery.shared_object import SharedObject
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp.stage import Stage
from settings.artifacts import RETRAININGS
from settings.values import shown

# Who has told no build by then has died before it could start one.
STARTING = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True, config=ConfigDict(strict=True, extra="ignore"))
class Request:
    """One retraining, asked for by the window of a version that ends on `day`."""

    id: str
    version: str  # of the model registry
    day: date
    because: str
    sent_at: AwareDatetime | None = None
    taken_at: AwareDatetime | None = None
    build: str | None = None

    def is_starting(self, now: datetime) -> bool:
        """Whether a receiver is about to start its build; clocks may go back."""
        return self.taken_at is not None and abs(now - self.taken_at) < STARTING

    def is_due(self, now: datetime) -> bool:
        """Whether its message is to be sent, or once more: its receiver has died."""
        if self.build is not None or self.is_starting(now):
            return False
        return self.sent_at is None or self.taken_at is not None


Requests = tuple[Request, ...]  # the oldest first
_JSON: TypeAdapter[Requests] = TypeAdapter(Requests)


def claimed(
    stage: Stage, model: str, new_request: Request, refusal: Callable[[Requests], str | None]
) -> Requests:
    """Write the request down unless `refusal` says why not; return all that are written down.

    A monitor at the same time sees the request, or is seen.
    """

    def change(requests: Requests) -> Requests:
        return requests if refusal(requests) else (*requests, new_request)

    return _object(model).update(stage, change)


def changed(stage: Stage, model: str, id_: str, change: Callable[[Request], Request]) -> Requests:
    """Write one request as `change` returns it; return all."""

    def change_all(requests: Requests) -> Requests:
        return tuple(change(request) if request.id == id_ else request for request in requests)

    return _object(model).update(stage, change_all)


def named(requests: Requests, id_: str, model: str) -> Request:
    """The request of this id; raises ConfigurationError for one that nobody made."""
    for request in requests:
        if request.id == id_:
            return request
    allowed = ", ".join(request.id for request in requests[-3:]) or "none yet"
    raise ConfigurationError(
        f"--request is {shown(id_)}, allowed is one that the monitor made for {model}: {allowed}"
    )


def check_wanted(stage: Stage, model: str, id_: str) -> None:
    """Raise SupersededError where the version that a request is of has left.

    It was taken back, or another one was released, while the request waited for its turn.
    """
    request = named(_object(model).read(stage), id_, model)
    current = record_object.recorded_model(stage, model).current
    if current.registry_version != request.version:
        raise SupersededError(f"version {request.version} of {model}, which asked, has left")


def sent(stage: Stage, model: str, id_: str) -> Request:
    """Write down that the request's message is sent."""
    now = datetime.now(UTC)
    requests = changed(stage, model, id_, lambda request: replace(request, sent_at=now))
    return named(requests, id_, model)


def _object(model: str) -> SharedObject[Requests]:
    return SharedObject(f"{RETRAININGS}{model}.json", (), _decode, _encode)


def _encode(requests: Requests) -> bytes:
    return _JSON.dump_json(requests, indent=1) + b"\n"


def _decode(content: bytes, uri: str) -> Requests:
    try:
        return _JSON.validate_json(content)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"])) or "the content"
        raise RunError(
            f"{uri} is damaged and left as it is ({place}): "
            "restore one of the versions that `gcloud storage ls --all-versions` lists"
        ) from error
