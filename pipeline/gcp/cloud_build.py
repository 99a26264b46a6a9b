"""Hands a commit to one of a stage's triggers in Cloud Build.

One build is started whatever happens on the way.
"""

from dataclasses import dataclass
from typing import Any

from pipeline.errors import RunError
from pipeline.gcp.clients import asking, cloud_build, patiently
from settings import Settings

# as _MODELS spells them; Cloud Build can't tell an empty value from a missing one
NO_MODELS, ALL_MODELS = "none", "all"
LOOKED_AT = 50  # builds, the newest: enough for a day of a small team


@dataclass(frozen=True)
class Build:
    id: str
    status: str
    url: str


def start(settings: Settings, recipe: str, *, commit: str, models: str) -> Build:
    """Run the trigger of build/<recipe>.yaml for exactly this commit.

    Raises RunError where Cloud Build does not take it.
    """
    name = settings.names.trigger(recipe)
    with asking(f"the trigger {name}", settings):
        client = cloud_build(settings.region)
        trigger = _trigger(client, settings, name)
        old_builds = patiently(lambda: _builds(client, settings, trigger))
        old_ids = {build.id for build in old_builds}
        source = {"commit_sha": commit, "substitutions": {"_MODELS": models}}
        # No project_id in any request: with one the client asks Cloud Build's global region.
        request = {"name": trigger.resource_name, "source": source}

        def attempt() -> Any:
            """Look for the first build after a lost answer: a trigger run twice makes two."""
            new_builds = (
                build
                for build in _builds(client, settings, trigger)
                if build.id not in old_ids and _is_of(build, commit, models)
            )
            if existing_build := next(new_builds, None):
                return existing_build
            return client.run_build_trigger(request=request, retry=None).metadata.build

        return _told(patiently(attempt))


def get(settings: Settings, build: str) -> Build:
    with asking(f"the build {build}", settings):
        client = cloud_build(settings.region)
        request = {"name": f"{_parent(settings)}/builds/{build}"}
        return _told(patiently(lambda: client.get_build(request=request, retry=None)))


def find(settings: Settings, recipe: str, commit: str) -> Build | None:
    """Return the newest build of this commit by the recipe's trigger."""
    name = settings.names.trigger(recipe)
    with asking(f"the trigger {name}", settings):
        client = cloud_build(settings.region)
        trigger = patiently(lambda: _trigger(client, settings, name))
        builds = patiently(lambda: _builds(client, settings, trigger))
    return next((_told(build) for build in builds if _is_of(build, commit)), None)


def _trigger(client: Any, settings: Settings, name: str) -> Any:
    all_triggers = client.list_build_triggers(request={"parent": _parent(settings)})
    trigger = next((trigger for trigger in all_triggers if trigger.name == name), None)
    if trigger is None:
        raise RunError(
            f"there is no trigger {name} in {settings.project_id}: "
            f"deploy the delivery stack, `make doctor env={settings.stage}`"
        )
    return trigger


def _builds(client: Any, settings: Settings, trigger: Any) -> list[Any]:
    """Return the builds of the trigger, the newest first, as Cloud Build lists them."""
    request = {
        "parent": _parent(settings),
        "filter": f'trigger_id="{trigger.id}"',
        "page_size": LOOKED_AT,
    }
    pages = client.list_builds(request=request, retry=None).pages
    return list(next(pages).builds)


def _parent(settings: Settings) -> str:
    return f"projects/{settings.project_id}/locations/{settings.region}"


def _is_of(build: Any, commit: str, models: str | None = None) -> bool:
    values = build.substitutions
    return values.get("COMMIT_SHA") == commit and models in (None, values.get("_MODELS"))


def _told(build: Any) -> Build:
    return Build(build.id, build.status.name, build.log_url)
