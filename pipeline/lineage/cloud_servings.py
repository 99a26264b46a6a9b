"""Where a model's versions serve in the cloud, with what share of the traffic and from when to when.

Each stage has a project of its own: one that can't be read is named, and the others are told.
"""

from collections.abc import Iterable
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
    endpoint = stage.names.endpoint(model)
    servings: list[Serving] = []
    current: dict[str, Serving] = {}
    for change in changes:
        deployed_models = {version: id_ for id_, version in change.deployed.items()}
        for version, serving in list(current.items()):
            if change.shares.get(version) != serving.share:
                servings.append(replace(serving, end=change.at))
                del current[version]
        for version, share in change.shares.items():
            if version not in current:
                current[version] = Serving(
                    stage=stage.name,
                    model=model,
                    version=version,
                    share=share,
                    begin=change.at,
                    end=None,
                    endpoint=endpoint,
                    deployed_model=deployed_models.get(version),
                )
    return sorted([*servings, *current.values()], key=attrgetter("begin", "version"))


def as_served(servings: list[Serving], endpoint: Endpoint) -> list[Serving]:
    """The servings with those of now as the endpoint itself tells them.

    A change that was made beside the deliveries is in no history: it is told from now on.
    """
    now = datetime.now(UTC)
    versions = endpoint.versions()
    shares: dict[str, Serving] = {}
    for id_, percent in endpoint.shares().items():
        if id_ in versions:
            version = versions[id_]
            earlier_share = shares[version].share if version in shares else 0
            shares[version] = Serving(
                stage=endpoint.stage.name,
                model=endpoint.model,
                version=version,
                share=percent + earlier_share,
                begin=now,
                end=None,
                endpoint=endpoint.stage.names.endpoint(endpoint.model),
                deployed_model=id_,
            )
    told = []
    for serving in servings:
        current = shares.get(serving.version)
        if serving.end is None and current and current.share == serving.share:
            del shares[serving.version]
            told.append(serving)
        else:
            told.append(replace(serving, end=serving.end or now))
    return [*told, *shares.values()]


def at(servings: Iterable[Serving], time: datetime) -> list[Serving]:
    """The servings that answered at a time."""
    return [
        serving
        for serving in servings
        if serving.begin <= time and (serving.end is None or time < serving.end)
    ]
