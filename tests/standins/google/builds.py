"""Cloud Build's builds: a trigger makes one when it is run or its topic gets a message.

A build waits until `GoogleApis.on_build` or a test moves it on.
"""

import base64
import dataclasses
import re
import uuid
from collections.abc import Mapping

from settings import REPOSITORY
from tests.standins.google.error import RefusedError
from tests.standins.google.listing import clauses, page
from tests.standins.google.store import Body, Call, Key, Store, now

BUILD = "type.googleapis.com/google.devtools.cloudbuild.v1.Build"
METADATA = "type.googleapis.com/google.devtools.cloudbuild.v1.BuildOperationMetadata"
ENDED = {"SUCCESS", "FAILURE", "INTERNAL_ERROR", "TIMEOUT", "CANCELLED", "EXPIRED"}
OWN = re.compile(r"_[A-Z0-9_]+")  # the substitutions that a caller may give
NOT_EMPTY = re.compile(r'(_[A-Z0-9_]+) != ""')
STEP = re.compile(r"- id: (\S+)\n\s+name: (\S+)")  # of a recipe
OTHER_STEPS = [{"id": "other", "name": "an-image-of-another-recipe"}]
ATTRIBUTE = re.compile(r"\$\(body\.message\.attributes\.([\w-]+)\)")


def regional(call: Call) -> Call:
    """The request's name and parent, wherever Google's client puts them.

    Given a project too, the client asks under projects/P/ and puts the whole `name`, or a
    collection's `parent`, into the query. To run a trigger there is for global ones alone.
    """
    name = call.query.get("name")
    if name and call.verb != "run":
        return dataclasses.replace(call, path=name)
    if parent := call.query.get("parent"):
        return dataclasses.replace(call, path=f"{parent}/{call.key.id}")
    return call


def run(store: Store, call: Call) -> Body:
    """A new build of a trigger, inside an operation.

    Both ids are required beside the path of a regional trigger, the only one here:
    https://cloud.google.com/build/docs/api/reference/rest/v1/projects.locations.triggers/run.
    """
    if "/locations/" not in call.path:
        raise RefusedError(404, f"trigger {call.path} not found: it is no global one")
    trigger = store.get(call.key)
    need(call, projectId=call.key.project, triggerId=call.key.id)
    source = call.body.get("source", {})
    keys = source.get("substitutions", {})
    if invalid_keys := [key for key in keys if not OWN.fullmatch(key)]:
        raise RefusedError(
            400, f"invalid substitution keys {invalid_keys}: a caller's must match {OWN.pattern}"
        )
    build = start(store, call.key, substitutions(trigger, source))
    return operation(build)


def hear(store: Store, topic: str, message: Body) -> None:
    """Make a build of each of the project's triggers on the topic, at the head of its branch."""
    _, project, *_ = topic.split("/")
    attributes = message.get("attributes", {})
    resources = store.below(Key("cloud_build", f"projects/{project}"))
    for key, trigger in resources.items():
        subscription = trigger.get("pubsubConfig", {})
        if subscription.get("topic") == topic and subscription["state"] == "OK":
            templates = trigger.get("substitutions", {})
            values = {name: bind(template, attributes) for name, template in templates.items()}
            if passes(trigger.get("filter", ""), values):
                source = {"substitutions": values, "commitSha": store.main()}
                start(store, key, substitutions(trigger, source))


def deafen(store: Store, subscription: Key) -> None:
    """Let no message start the trigger of a subscription that is gone."""
    for key, trigger in store.below(Key("cloud_build", f"projects/{subscription.project}")).items():
        config = trigger.get("pubsubConfig", {})
        if config.get("subscription") == subscription.name:
            store.change(key, {"pubsubConfig": {**config, "state": "SUBSCRIPTION_DELETED"}})


def passes(condition: str, values: Mapping[str, str]) -> bool:
    """Whether a trigger's filter is true of the substitutions.

    https://cloud.google.com/build/docs/automate-builds-pubsub-events#filters
    """
    clauses = [NOT_EMPTY.fullmatch(clause) for clause in condition.split(" && ") if clause]
    if None in clauses:
        raise RefusedError(501, f'the stand-in knows _NAME != "" joined by &&, got {condition}')
    return all(values.get(clause[1]) for clause in clauses if clause)


def bind(template: str, attributes: Mapping[str, str]) -> str:
    """A substitution with the message's attributes in it.

    An attribute that the message lacks is an empty text, as in Cloud Build.
    """
    text_between = ATTRIBUTE.sub("", template)
    if "$(" in text_between:
        raise RefusedError(
            501, f"the stand-in binds $(body.message.attributes.NAME) alone, got {template}"
        )
    return ATTRIBUTE.sub(lambda match: attributes.get(match[1], ""), template)


def start(store: Store, trigger_key: Key, values: Mapping[str, str]) -> Body:
    """A build; a hook hears of it unless it waits for an approval."""
    build = queued_build(store, trigger_key, values)
    trigger = store.get(trigger_key)
    approval = trigger.get("approvalConfig", {})
    pending = approval.get("approvalRequired", False)
    if pending:
        build["status"] = "PENDING"
        build["approval"] = {"state": "PENDING", "config": {"approvalRequired": True}}
    key = Key(trigger_key.product, build["name"])
    store.create(key, build)
    if not pending:
        store.tell(key)
    return build


def queued_build(store: Store, trigger_key: Key, values: Mapping[str, str]) -> Body:
    _, project, _, region, _, trigger_id = trigger_key.name.split("/")
    trigger = store.get(trigger_key)
    number = str(uuid.uuid4())
    return {
        "id": number,
        "name": f"projects/{project}/locations/{region}/builds/{number}",
        "projectId": project,
        "status": "QUEUED",
        "buildTriggerId": trigger_id,
        "logUrl": (
            f"https://console.cloud.google.com/cloud-build/builds;region={region}/{number}?"
            f"project={store.project_number(project)}"
        ),
        "createTime": now(),
        "serviceAccount": trigger.get("serviceAccount", ""),
        "substitutions": dict(values),
        "steps": steps(store, trigger),
    }


def steps(store: Store, trigger: Body) -> list[Body]:
    """The recipe's steps, by id and image; a trigger without a recipe of ours has none."""
    path = REPOSITORY / trigger.get("gitFileSource", {}).get("path", "")
    if not path.is_file():
        return []
    if "pubsubConfig" in trigger and not store.unknowns.reads_named_branch:
        return OTHER_STEPS
    pairs = STEP.findall(path.read_text())
    return [{"id": id_, "name": image} for id_, image in pairs]


def need(call: Call, **fields: str) -> None:
    """Refuse a body without one of these."""
    for field, value in fields.items():
        if call.body.get(field) != value:
            raise RefusedError(400, f"{field} is required: {value}, got {call.body.get(field)}")


def cancel(store: Store, call: Call) -> Body:
    """Both ids are required beside the path.

    https://cloud.google.com/build/docs/api/reference/rest/v1/projects.locations.builds/cancel
    """
    need(call, projectId=call.key.project, id=call.key.id)
    status = store.get(call.key)["status"]
    if status in ENDED:
        raise RefusedError(400, f"{call.path} has ended as {status}, so it cannot be cancelled.")
    return store.change(call.key, {"status": "CANCELLED"})


def substitutions(trigger: Body, source: Body) -> dict[str, str]:
    """The trigger's, overridden by the caller's, and Cloud Build's own."""
    values = {**trigger.get("substitutions", {}), **source.get("substitutions", {})}
    if commit := source.get("commitSha"):
        values |= {"COMMIT_SHA": commit, "REVISION_ID": commit, "SHORT_SHA": commit[:7]}
    values["TRIGGER_NAME"] = trigger["name"]
    return values


def operation(build: Body) -> Body:
    """The operation of a build; it runs, succeeds or fails with it."""
    place, _, _ = build["name"].rsplit("/", 2)
    encoded_id = base64.urlsafe_b64encode(build["id"].encode())
    number = encoded_id.decode().rstrip("=")
    metadata = {"@type": METADATA, "build": build}
    return {"name": f"{place}/operations/{number}", "metadata": metadata, **outcome(build)}


def outcome(build: Body) -> Body:
    """An operation's response or error, once its build has ended."""
    status = build["status"]
    if status == "SUCCESS":
        return {"done": True, "response": {"@type": BUILD, **build}}
    if status in ENDED:
        message = f"Build failed; check build logs for details: {status}"
        return {"done": True, "error": {"code": 2, "message": message}}
    return {}


def read_operation(store: Store, call: Call) -> Body:
    """A build's operation; any other of this product was done from the start."""
    place, _, number = call.path.partition("/operations/")
    builds = store.children(Key(call.product, f"{place}/builds"))
    for build in builds:
        build_operation = operation(build)
        if build_operation["name"].endswith(f"/{number}"):
            return build_operation
    return {"name": call.path, "done": True, "response": {}}


def listing(store: Store, call: Call) -> Body:
    """The newest first, of one trigger if the filter says trigger_id="X"."""
    filters = clauses(call.query.get("filter", ""), "trigger_id")
    triggers = {trigger for _, trigger in filters}
    builds = store.children(call.key)
    matches = [build for build in builds if triggers <= {build["buildTriggerId"]}]
    return page("builds", matches[::-1], call.query)


def approve(store: Store, build_id: str) -> None:
    resources = store.below(Key("cloud_build", "projects"))
    [key] = [key for key in resources if key.name.endswith(f"/builds/{build_id}")]
    status = store.get(key)["status"]
    if status != "PENDING":
        raise ValueError(f"build {build_id} must be PENDING to be approved, got {status}")
    store.change(key, {"status": "QUEUED", "approval": {"state": "APPROVED"}})
    store.tell(key)
