"""Hands a commit to one of a stage's triggers in Cloud Build.

One build is started whatever happens on the way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from pipeline.errors import RunError
from pipeline.gcp import protocols
from pipeline.gcp.clients import patiently
from pipeline.gcp.stage import Stage

# as _MODELS spells them; Cloud Build can't tell an empty value from a missing one
NO_MODELS, ALL_MODELS = "none", "all"
LOOKED_AT = 50  # builds, the newest: enough for a day of a small team
REQUEST = "_REQUEST"  # of the modules recipe: what the monitor calls a retraining
ONGOING = ("PENDING", "QUEUED", "WORKING")  # PENDING waits for an approval


@dataclass(frozen=True)
class Build:
    id: str
    status: str
    url: str


def start(stage: Stage, recipe: str, *, commit: str, models: str, request: str = "") -> Build:
    """Run the trigger of build/<recipe>.yaml for exactly this commit.

    `request` is kept with the build: `requested` finds it. Raises RunError where Cloud Build does not take it.
    """
    name = stage.names.trigger(recipe)
    values = {"_MODELS": models} | ({REQUEST: request} if request else {})
    with stage.asking(f"the trigger {name}"):
        trigger = _trigger(stage, name)
        old_builds = patiently(lambda: _builds(stage, trigger))
        old_ids = {build.id for build in old_builds}

        def attempt() -> Build:
            """Look for the first build after a lost answer: a trigger run twice makes two."""
            for build in _builds(stage, trigger):
                if build.id not in old_ids and _is_of(build, commit, models):
                    return _build(build)
            return _run(stage, trigger, commit, values)

        return patiently(attempt)


def get(stage: Stage, id_: str) -> Build:
    request = {"name": f"{stage.parent}/builds/{id_}"}
    with stage.asking(f"the build {id_}"):
        return _build(patiently(lambda: stage.cloud_build.get_build(request=request, retry=None)))


def find(stage: Stage, recipe: str, commit: str) -> Build | None:
    """Return the newest build of this commit by the recipe's trigger."""
    for build in _builds_by(stage, recipe):
        if _is_of(build, commit):
            return _build(build)
    return None


def ongoing(stage: Stage, recipe: str, *, commit: str, models: str) -> Build | None:
    """Return the newest build of this commit and these models that has not ended."""
    for build in _builds_by(stage, recipe):
        status = build.status.name
        if status in ONGOING and _is_of(build, commit, models):
            return _build(build)
    return None


def requested(stage: Stage, recipe: str, request: str) -> Build | None:
    """Return the build that was started for this request, ended or not."""
    for build in _builds_by(stage, recipe):
        if build.substitutions.get(REQUEST) == request:
            return _build(build)
    return None


def _run(stage: Stage, trigger: protocols.Trigger, commit: str, values: Mapping[str, str]) -> Build:
    """Run the trigger.

    A regional trigger is run by its own path, and both ids are required beside it. Google's client
    sends a project only to the path of global triggers. See
    https://cloud.google.com/build/docs/api/reference/rest/v1/projects.locations.triggers/run.
    """
    source = {"commitSha": commit, "substitutions": values}
    body = {"projectId": stage.project, "triggerId": trigger.id, "source": source}
    path = f"v1/{trigger.resource_name}:run"
    operation = stage.cloud_build_rest.post(path, json=body).json()
    build = operation["metadata"]["build"]
    return Build(build["id"], build["status"], build["logUrl"])


def _builds_by(stage: Stage, recipe: str) -> list[protocols.Build]:
    name = stage.names.trigger(recipe)
    with stage.asking(f"the trigger {name}"):
        trigger = patiently(lambda: _trigger(stage, name))
        return patiently(lambda: _builds(stage, trigger))


def _trigger(stage: Stage, name: str) -> protocols.Trigger:
    for trigger in stage.cloud_build.list_build_triggers(request={"parent": stage.parent}):
        if trigger.name == name:
            return trigger
    raise RunError(
        f"there is no trigger {name} in {stage.project}: "
        f"deploy the delivery stack, `make doctor env={stage.name}`"
    )


def _builds(stage: Stage, trigger: protocols.Trigger) -> list[protocols.Build]:
    """Return the builds of the trigger, the newest first, as Cloud Build lists them.

    A page may be empty and another follow, so that the client's own pager reads them.
    """
    # No project_id here: with one the client asks Cloud Build's global region.
    request = {
        "parent": stage.parent,
        "filter": f'trigger_id="{trigger.id}"',
        "page_size": LOOKED_AT,
    }
    builds = stage.cloud_build.list_builds(request=request, retry=None)
    return list(islice(builds, LOOKED_AT))


def _is_of(build: protocols.Build, commit: str, models: str | None = None) -> bool:
    values = build.substitutions
    return values.get("COMMIT_SHA") == commit and models in (None, values.get("_MODELS"))


def _build(build: protocols.Build) -> Build:
    return Build(build.id, build.status.name, build.log_url)
