"""The record of a stage's last deliveries: delivery.json in its artifacts bucket.

It is the one thing that push, retrain, promote and rollback go by.
"""

import json
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from pipeline.errors import RunError

VERSION = 3

Text = Annotated[str, Field(min_length=1)]
Commit = Annotated[str, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Uri = Annotated[str, Field(pattern=r"^gs://[^/]+/.+$")]
Percent = Annotated[int, Field(ge=1, le=100)]

# An unknown key is refused, because the next writer would drop it.
CHECKED = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Images:
    """The images by digest alone: each stage has a copy under a name of its own.

    `worker` is Dataflow's; records that are older than it have none.
    """

    pipeline: Digest
    serving: Digest
    worker: Digest | None = None

    def digests(self) -> dict[str, str]:
        """Map each target of build/Dockerfile that is recorded to its digest."""
        digests = {"pipeline": self.pipeline, "serving": self.serving, "worker": self.worker}
        return {target: digest for target, digest in digests.items() if digest}


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Passed:
    run_succeeded: bool
    blessed: bool
    smoke: bool
    traffic_steps: tuple[Percent, ...]  # those that held


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Delivery:
    """One version of a model: its sources, its places, and its passed checks.

    `model_digest` is that of its files (pipeline/manifest.py), `data_digest` that of the rows which
    trained it. A delivery from before digests has neither.
    """

    commit: Commit
    images: Images  # that trained and serve it; the record's own may be newer
    modules: dict[Text, Uri]
    run: Text
    registry_version: Text
    deployed_model: Text | None  # None where it was undeployed after its smoke test
    delivered_at: AwareDatetime
    passed: Passed
    model_digest: Sha256 | None
    data_digest: Sha256 | None


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Model:
    """The version that serves and the one before it.

    `change` names the last change of traffic when this was written; None where nothing was noted.
    """

    current: Delivery
    before: Delivery | None
    change: Text | None

    @property
    def deliveries(self) -> list[Delivery]:
        """The current one first."""
        return [self.current, self.before] if self.before else [self.current]


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Push:
    """What was handed to Cloud Build last.

    Any earlier delivery that has not ended yet leaves its place to this one, which holds it too.
    """

    commit: Commit
    recipe: Literal["image", "modules"]
    models: tuple[Text, ...]
    at: AwareDatetime
    build: Text | None  # its id; None until Cloud Build has answered


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Record:
    """All of delivery.json.

    `commit` is the base of the next route. Without one everything is due.
    """

    version: Annotated[int, Field(ge=VERSION, le=VERSION)]
    commit: Commit | None
    images: Images | None
    models: dict[Text, Model]
    pushed: Push | None


class SupersededError(RunError):
    """The record has moved on since it was read.

    Something newer takes the place of what is being delivered.
    """


EMPTY = Record(version=VERSION, commit=None, images=None, models={}, pushed=None)
_JSON: TypeAdapter[Record] = TypeAdapter(Record)


def delivered(record: Record, model: str, delivery: Delivery, change: str | None = None) -> Record:
    """Return the record with `delivery` as the model's current one.

    If it has the same version already, the record keeps the delivery before. `change` names the
    change of traffic that came with it.
    """
    old_model = record.models.get(model)
    if old_model is None:
        previous_delivery = None
    elif old_model.current.registry_version == delivery.registry_version:
        previous_delivery = old_model.before
    else:
        previous_delivery = old_model.current
    new_model = Model(current=delivery, before=previous_delivery, change=change)
    return replace(record, models={**record.models, model: new_model})


def recorded_versions(model: Model | None) -> list[str]:
    """Return the versions of a model's deliveries, the current one first."""
    deliveries = model.deliveries if model else []
    return [delivery.registry_version for delivery in deliveries]


def all_images(record: Record) -> set[Images]:
    """Return the images that the record names: those of the next run and of each delivery."""
    deliveries = [delivery for model in record.models.values() for delivery in model.deliveries]
    images = {delivery.images for delivery in deliveries}
    return images | {record.images} if record.images else images


def retired(record: Record, model: str) -> Record:
    """Return the record without the model."""
    models = {name: entry for name, entry in record.models.items() if name != model}
    return replace(record, models=models)


def encode(record: Record) -> bytes:
    return _JSON.dump_json(record, indent=1) + b"\n"


def decode(content: bytes, uri: str) -> Record:
    """Return the record in `content`.

    Raises RunError, naming `uri`, for what is no record and for one of a newer version.
    """
    try:
        document = json.loads(content)
        version = document["version"]
        if version > VERSION:
            raise RunError(
                f"{uri} is of version {version}, allowed is {VERSION}: "
                "a newer commit wrote it, go on from that one"
            )
        if type(version) is int and version == 1:  # true and 1.0 equal 1, too
            document = _second_version(document)
        if type(document["version"]) is int and document["version"] == 2:
            document = _third_version(document)
        return _JSON.validate_json(json.dumps(document))
    except ValidationError as error:
        raise RunError(_damaged(uri, _first(error))) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(_damaged(uri, repr(error))) from error


def _second_version(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document of version 1 as one of version 2, which names changes of traffic."""
    entries = document["models"].items()
    models = {name: {**entry, "change": None} for name, entry in entries}
    return {**document, "version": 2, "models": models}


def _third_version(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document of version 2 as one of version 3, which names digests."""
    models = {}
    for name, entry in document["models"].items():
        deliveries = {key: _without_digests(entry[key]) for key in ("current", "before")}
        models[name] = {**entry, **deliveries}
    return {**document, "version": 3, "models": models}


def _without_digests(delivery: dict[str, Any] | None) -> dict[str, Any] | None:
    if delivery is None:
        return None
    return {"model_digest": None, "data_digest": None, **delivery}


def _damaged(uri: str, what: str) -> str:
    remedy = (
        "restore one of the versions that `gcloud storage ls --all-versions` lists, "
        "or delete it and deliver everything again"
    )
    return f"{uri} is damaged and left as it is ({what}): {remedy}"


def _first(error: ValidationError) -> str:
    problem: dict[str, Any] = dict(error.errors()[0])
    place, message = ".".join(map(str, problem["loc"])), problem["msg"]
    return f"{place}: {message[0].lower()}{message[1:]}"
