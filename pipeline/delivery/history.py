"""Each version's share of a model's traffic over time.

Every change is an object of its own under deliveries/ in the stage's artifacts bucket, written once
and never changed.
"""

import secrets
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, field
from datetime import UTC, datetime
from typing import Annotated, Literal

from google.api_core import exceptions
from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from pipeline.author import author
from pipeline.delivery import integrity
from pipeline.errors import RunError
from pipeline.gcp.clients import patiently
from pipeline.gcp.endpoints import Endpoint
from pipeline.gcp.protocols import Blob
from pipeline.gcp.stage import Stage
from settings.artifacts import HISTORY as PREFIX

VERSION = 1

Cause = Literal["release", "taken back", "rollback", "retire", "undeploy", "swept"]
Share = Annotated[int, Field(ge=1, le=100)]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(strict=True, extra="ignore"))
class Change:
    """The state of a model's traffic after one change.

    `shares` maps a version of the model registry to its percent; empty is no traffic to anyone.
    `deployed` maps the ids of all deployed models to their versions: the request log knows ids
    alone, and an id is forgotten with its machine. `digests` maps the versions of `shares` to the
    digests of their files; a version from before digests has none. Older changes have neither.
    """

    version: Annotated[int, Field(ge=VERSION, le=VERSION)]
    at: AwareDatetime
    model: str
    cause: Cause
    by: str
    shares: dict[str, Share]
    deployed: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


_JSON: TypeAdapter[Change] = TypeAdapter(Change)


def append(endpoint: Endpoint, cause: Cause) -> str:
    """Write down the endpoint's traffic as it is now; return the object's name."""
    shares: Counter[str] = Counter()
    id_shares, versions = endpoint.shares(), endpoint.versions()
    for id_, percent in id_shares.items():
        if id_ in versions:
            shares[versions[id_]] += percent
    change = Change(
        version=VERSION,
        at=datetime.now(UTC),
        model=endpoint.model,
        cause=cause,
        by=author(),
        shares=dict(shares),
        deployed=versions,
        digests=_digests(endpoint, shares),
    )
    # The time sorts them; two changes of one microsecond differ by what follows it.
    name = f"{PREFIX}{endpoint.model}/{change.at:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(3)}.json"
    content = _JSON.dump_json(change, indent=1) + b"\n"
    stage = endpoint.stage

    def attempt() -> None:
        blob = stage.artifacts.blob(name)
        with suppress(exceptions.PreconditionFailed):  # written by a call whose answer was lost
            blob.upload_from_string(content, content_type="application/json", if_generation_match=0)

    with stage.asking_bucket():
        patiently(attempt)
    return name


def _digests(endpoint: Endpoint, versions: Iterable[str]) -> dict[str, str]:
    """Map versions to their digests; one that the model registry does not tell has none."""
    digests = {}
    for version in versions:
        with suppress(RunError):  # the change of traffic is noted all the same
            if digest := endpoint.digest(version):
                digests[version] = digest
    return digests


def note(endpoint: Endpoint, cause: Cause) -> str | None:
    """Append, or tell why that can't be.

    The traffic has moved by then, and its history must not move it back. Returns None where nothing
    was written.
    """
    try:
        return append(endpoint, cause)
    except RunError as error:
        message = f"the traffic of {endpoint.model} ({cause}) is not in its history: {error}"
        print(message, file=sys.stderr)
        return None


def read(stage: Stage, model: str) -> list[Change]:
    """Return the changes of the model's traffic, the oldest first.

    Raises RunError for an object that is no change.
    """
    with stage.asking_bucket():
        contents = {blob.name: patiently(blob.download_as_bytes) for blob in _blobs(stage, model)}
    return [_change(stage, name, contents[name]) for name in sorted(contents)]


def newest(stage: Stage, model: str) -> str | None:
    """Return the name of the model's last change, None where there was none."""
    with stage.asking_bucket():
        names = [blob.name for blob in _blobs(stage, model)]
    return max(names, default=None)


def _blobs(stage: Stage, model: str) -> list[Blob]:
    return patiently(lambda: list(stage.artifacts.list_blobs(prefix=f"{PREFIX}{model}/")))


def table(changes: list[Change]) -> str:
    """Return a line for each change: time in UTC, shares by version, cause, author.

    Behind a version stands its digest, or `unverified` where it has none.
    """
    texts = [_shares(change) for change in changes]
    width = max(map(len, texts), default=0)
    lines = []
    for change, text in zip(changes, texts, strict=True):
        at = change.at.astimezone(UTC)
        lines.append(f"{at:%Y-%m-%d %H:%M:%S}  {text:<{width}}  {change.cause:<10}  {change.by}")
    return "\n".join(lines)


def _shares(change: Change) -> str:
    shares = []
    for version, percent in change.shares.items():
        digest = integrity.shown(change.digests.get(version))
        shares.append(f"{version}: {percent} % ({digest})")
    return ", ".join(shares) or "no traffic"


def as_json(change: Change) -> dict[str, object]:
    return {**asdict(change), "at": change.at.isoformat()}


def _change(stage: Stage, name: str, content: bytes) -> Change:
    try:
        return _JSON.validate_json(content)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"])) or "the content"
        raise RunError(
            f"gs://{stage.names.bucket('artifacts')}/{name} is no change of traffic ({place}): "
            "restore the version that `gcloud storage ls --all-versions` lists"
        ) from error
