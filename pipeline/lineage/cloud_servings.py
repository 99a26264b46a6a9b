"""Where a model's versions serve in the cloud, with what share of the traffic and for how long.

Each stage has a project of its own: one that can't be read is named, and the others are told.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from operator import attrgetter

from pipeline.delivery import history
from pipeline.delivery.history import Change
from pipeline.errors import RunError
from pipeline.gcp.endpoints import Endpoint, endpoint_of
from pipeline.gcp.stage import Stage
from pipeline.lineage.graph import Serving


@dataclass(frozen=True)
class Unread:
    """A stage of which not all could be read, and why, in a sentence."""

    stage: str
    reason: str


@dataclass
class Servings:
    servings: list[Serving] = field(default_factory=list)  # the oldest first, stage by stage
    unread: list[Unread] = field(default_factory=list)


def of_stages(stages: Iterable[Stage], model: str) -> Servings:
    """The servings of the model in each stage that answers."""
    answer = Servings()
    for stage in stages:
        try:
            answer.servings += _of_stage(stage, model, answer)
        except RunError as error:
            answer.unread.append(Unread(stage.name, str(error)))
    return answer


def _of_stage(stage: Stage, model: str, answer: Servings) -> list[Serving]:
    """The servings by the stage's history, and by its endpoint where that has moved on since."""
    servings = of_changes(stage, model, history.read(stage, model))
    try:
        return as_served(servings, endpoint_of(stage, model))
    except RunError as error:
        answer.unread.append(Unread(stage.name, str(error)))
    return servings


def of_changes(stage: Stage, model: str, changes: list[Change]) -> list[Serving]:
    """The servings of all versions by the changes of the traffic, the oldest first."""
    ended_servings: list[Serving] = []
    open_servings: dict[str, Serving] = {}
    for change in changes:
        for serving in [*open_servings.values()]:
            if change.shares.get(serving.version) != serving.share:
                ended_serving = replace(serving, end=change.at)
                ended_servings.append(ended_serving)
                del open_servings[serving.version]
        for serving in _begun(stage, model, change):
            open_servings.setdefault(serving.version, serving)
    servings = [*ended_servings, *open_servings.values()]
    return sorted(servings, key=attrgetter("begin", "version"))


def as_served(servings: list[Serving], endpoint: Endpoint) -> list[Serving]:
    """The servings with those of now as the endpoint itself tells them.

    A change that was made beside the deliveries is in no history: it is told from now on.
    """
    now = datetime.now(UTC)
    versions = endpoint.versions()
    state = _State(endpoint.stage, endpoint.model, now, versions)
    shares = _shares(endpoint, versions)
    told_servings = []
    for serving in servings:
        is_open = serving.end is None
        is_unchanged = shares.get(serving.version) == serving.share
        if is_open and is_unchanged:
            del shares[serving.version]
            told_servings.append(serving)
        else:
            end = serving.end or max(serving.begin, now)  # of a clock that went back
            ended_serving = replace(serving, end=end)
            told_servings.append(ended_serving)
    new_servings = [state.serving(version, share) for version, share in shares.items()]
    return [*told_servings, *new_servings]


def _shares(endpoint: Endpoint, versions: Mapping[str, str]) -> dict[str, int]:
    """Map each version to its percent now."""
    shares: Counter[str] = Counter()
    for id_, percent in endpoint.shares().items():
        if id_ in versions:
            version = versions[id_]
            shares[version] += percent
    return shares


@dataclass(frozen=True)
class _State:
    """What is deployed at a time: the versions by the ids of their deployed models."""

    stage: Stage
    model: str
    time: datetime
    versions: Mapping[str, str]

    def serving(self, version: str, share: int) -> Serving:
        ids = {version: id_ for id_, version in self.versions.items()}
        return Serving(
            stage=self.stage.name,
            model=self.model,
            version=version,
            share=share,
            begin=self.time,
            end=None,
            endpoint=self.stage.names.endpoint(self.model),
            deployed_model=ids.get(version),
        )


def _begun(stage: Stage, model: str, change: Change) -> list[Serving]:
    """A serving from the change on for each version that has traffic."""
    state = _State(stage, model, change.at, change.deployed)
    servings = [state.serving(version, share) for version, share in change.shares.items()]
    return [replace(serving, by=change.by) for serving in servings]


def at(servings: Iterable[Serving], time: datetime) -> list[Serving]:
    """The servings that answered at a time."""
    begun_servings = [serving for serving in servings if serving.begin <= time]
    return [serving for serving in begun_servings if serving.end is None or time < serving.end]
