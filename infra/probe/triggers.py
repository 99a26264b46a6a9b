"""The source of a message trigger's recipe.

The trigger waits for an approval that nobody gives, so that its build shows the recipe's steps and
runs none of them.
"""

import base64
import urllib.parse

from infra.doctor.finding import NotAskedError
from infra.doctor.github import GitHub
from infra.doctor.rest import Body, Rest
from infra.probe.answer import Observation
from infra.probe.project import Project, Thing

RECIPE = "build/retrain.yaml"
LOOKS = 18  # for the build that a message starts
LOOKS_A_MESSAGE = 6  # a trigger may be too new to get the first one
ENDED = ("SUCCESS", "FAILURE", "INTERNAL_ERROR", "TIMEOUT", "CANCELLED", "EXPIRED")
MESSAGE = {"messages": [{"data": "e30="}]}  # base64 of {}


def named_branch(project: Project) -> Observation:
    branch = project.settings.github.branch
    recipe = _recipe_of(project, branch)
    build = _started_build(project, revision=f"refs/heads/{branch}")
    if build is None:
        return Observation(False, "a message started no build")
    if _has_steps_of(build, recipe):
        return Observation(True, f"the build has the steps of {branch}'s {RECIPE}")
    return Observation(False, f"the build has other steps than {branch}'s {RECIPE}")


def no_revision(project: Project) -> Observation:
    branch = project.settings.github.branch
    recipe = _recipe_of(project, branch)
    try:
        build = _started_build(project, revision="")
    except NotAskedError as error:
        if error.status != 400:
            raise
        return Observation(True, f"such a trigger is refused: {error}")
    if build is None:
        return Observation(False, "such a trigger is taken, and a message starts no build")
    if _has_steps_of(build, recipe):
        return Observation(False, f"such a trigger is taken, and reads {branch}'s {RECIPE}")
    return Observation(False, f"such a trigger is taken, and reads another {RECIPE}")


def _recipe_of(project: Project, branch: str) -> str:
    """Return the recipe's text as GitHub has it."""
    github = GitHub(Rest())
    repository = project.settings.github.repository
    answer = github.ask(f"repos/{repository}/contents/{RECIPE}?ref={branch}")
    if answer is None:
        raise NotAskedError(f"{repository} has no {RECIPE} on {branch}, or the token sees none")
    return base64.b64decode(answer["content"]).decode()


def _has_steps_of(build: Body, recipe: str) -> bool:
    """Whether the recipe's text has each step's id and image."""
    steps = build.get("steps", [])
    if not steps:
        detail = build.get("statusDetail", "without a reason")
        raise NotAskedError(
            f"the build {build['id']} is {build['status']} and shows no steps: {detail}"
        )
    words = [step.get(field, "") for step in steps for field in ("id", "name")]
    return all(word in recipe for word in words)


def _started_build(project: Project, *, revision: str) -> Body | None:
    """Make a trigger and a topic, publish a message, and wait for the build."""
    name = project.names.probe
    topic = f"projects/{project.settings.project_id}/topics/{name}"
    trigger = _trigger(project, name, topic, revision)
    project.make(project.thing("the topic", "pubsub", topic), "pubsub", topic, {}, method="PUT")
    thing = Thing(
        f"the trigger {name}",
        find=lambda: _triggers(project, name),
        remove=lambda: _remove_trigger(project, name),
    )
    answer = project.make(thing, "cloud_build", f"{project.location}/triggers", trigger)
    for look in range(LOOKS):
        if look % LOOKS_A_MESSAGE == 0:
            project.ask("pubsub", f"{topic}:publish", MESSAGE)
        builds = _builds(project, answer["id"])
        if builds:
            return builds[0]
        project.pause()
    return None


def _trigger(project: Project, name: str, topic: str, revision: str) -> Body:
    """As infra/constructs/build_trigger.py makes the stage's own, but for its approval."""
    names = project.names
    repositories = f"{project.location}/connections/{names.connection}/repositories"
    repository = f"{repositories}/{names.linked_repository}"
    if project.ask("cloudbuildv2", repository) is None:
        raise NotAskedError(f"there is no {repository} yet: make deploy env={names.stage}")
    place = {"repository": repository, "repoType": "GITHUB"}
    recipe_file = {**place, "path": RECIPE}
    if revision:
        recipe_file["revision"] = revision
    branch = project.settings.github.branch
    return {
        "name": name,
        "description": "made by `make probe`, which deletes it",
        "serviceAccount": names.service_account_resource("builder"),
        "pubsubConfig": {"topic": topic},
        "sourceToBuild": {**place, "ref": f"refs/heads/{branch}"},
        "gitFileSource": recipe_file,
        "approvalConfig": {"approvalRequired": True},
        "substitutions": {"_STAGE": names.stage, "_MODELS": "none"},
    }


def _remove_trigger(project: Project, name: str) -> None:
    """Delete the trigger by its id from Cloud Build, and cancel its waiting builds.

    A build may come between; and a second attempt finds no trigger that is deleted already. No
    document says whether the subscription that Cloud Build has made goes with it.
    """
    for trigger in _triggers(project, name):
        config = trigger.get("pubsubConfig", {})
        if subscription := config.get("subscription"):
            project.delete("pubsub", subscription)
        _cancel_builds(project, trigger["id"])
        project.delete("cloud_build", f"{project.location}/triggers/{trigger['id']}")
        _cancel_builds(project, trigger["id"])


def _triggers(project: Project, name: str) -> list[Body]:
    triggers = project.listing("cloud_build", f"{project.location}/triggers", "triggers")
    return [trigger for trigger in triggers if trigger["name"] == name]


def _cancel_builds(project: Project, trigger_id: str) -> None:
    for build in _builds(project, trigger_id):
        if build["status"] not in ENDED:
            _cancel(project, build["id"])


def _cancel(project: Project, build_id: str) -> None:
    """https://cloud.google.com/build/docs/api/reference/rest/v1/projects.locations.builds/cancel"""
    place = f"{project.location}/builds/{build_id}"
    body = {"projectId": project.settings.project_id, "id": build_id}
    project.ask("cloud_build", f"{place}:cancel", body)


def _builds(project: Project, trigger_id: str) -> list[Body]:
    query = urllib.parse.urlencode({"filter": f'trigger_id="{trigger_id}"'})
    return project.listing("cloud_build", f"{project.location}/builds?{query}", "builds")
