"""Cloud Build's builds: a trigger makes one when it is run or its topic gets a message.

A build waits until `GoogleApis.on_build` or a test moves it on.
"""

import base64
import dataclasses
import re
import uuid
from collections.abc import Mapping

from tests.standins.google.error import RefusedError
from tests.standins.google.listing import clauses, page
from tests.standins.google.store import Body, Call, Key, Store, now

METADATA = "type.googleapis.com/google.devtools.cloudbuild.v1.BuildOperationMetadata"
ENDED = {"SUCCESS", "FAILURE", "INTERNAL_ERROR", "TIMEOUT", "CANCELLED", "EXPIRED"}
OWN = re.compile(r"_[A-Z0-9_]+")  # the substitutions that a caller may give
ATTRIBUTE = re.compile(r"\$\(body\.message\.attributes\.([\w-]+)\)")


def regional(call: Call) -> Call:
    """The request's name and parent, wherever Google's client puts them.

    Given a project too, the client asks under projects/P/ and puts the whole `name`, or a
    collection's `parent`, into the query.
    """
    if named := call.query.get("name"):
        body = (
            {"source": call.body} if call.verb == "run" else call.body
        )  # there, the body is the source itself
        return dataclasses.replace(call, path=named, body=body)
    if parent := call.query.get("parent"):
        return dataclasses.replace(call, path=f"{parent}/{call.path.rsplit('/', 1)[-1]}")
    return call


def run(store: Store, call: Call) -> Body:
    """A new build of a trigger, inside an operation."""
    trigger, source = store.get(call.key), call.body.get("source", {})
    if wrong := [name for name in source.get("substitutions", {}) if not OWN.fullmatch(name)]:
        raise RefusedError(
            400, f"invalid substitution keys {wrong}: a caller's must match {OWN.pattern}"
        )
    return operation(start(store, call.key, substitutions(trigger, source)))


def hear(store: Store, topic: str, message: Body) -> None:
    """Make a build of each trigger of the project on that topic.

    It builds what is the head of the trigger's branch by then.
    """
    project, attributes = topic.split("/")[1], message.get("attributes", {})
    for key, trigger in store.below(Key("cloud_build", f"projects/{project}")).items():
        if trigger.get("pubsubConfig", {}).get("topic") == topic:
            bound = {
                name: bind(value, attributes)
                for name, value in trigger.get("substitutions", {}).items()
            }
            start(
                store,
                key,
                substitutions(trigger, {"substitutions": bound, "commitSha": store.main()}),
            )


def bind(value: str, attributes: Mapping[str, str]) -> str:
    """A substitution with the message's attributes in it.

    An attribute that the message lacks is an empty text, as in Cloud Build.
    """
    bound = ATTRIBUTE.sub(lambda found: attributes.get(found[1], ""), value)
    if "$(" in ATTRIBUTE.sub("", value):
        raise RefusedError(
            501, f"the stand-in binds $(body.message.attributes.NAME) alone, got {value}"
        )
    return bound


def start(store: Store, trigger_key: Key, given: Mapping[str, str]) -> Body:
    """A build; a hook hears of it unless it waits for an approval."""
    _, project, _, region, _, trigger_id = trigger_key.name.split("/")
    trigger, number = store.get(trigger_key), str(uuid.uuid4())
    pending = trigger.get("approvalConfig", {}).get("approvalRequired", False)
    build = {
        "id": number,
        "name": f"projects/{project}/locations/{region}/builds/{number}",
        "projectId": project,
        "status": "PENDING" if pending else "QUEUED",
        "buildTriggerId": trigger_id,
        "logUrl": (
            f"https://console.cloud.google.com/cloud-build/builds;region={region}/{number}?"
            f"project={store.project_number(project)}"
        ),
        "createTime": now(),
        "serviceAccount": trigger.get("serviceAccount", ""),
        "substitutions": dict(given),
        **(
            {"approval": {"state": "PENDING", "config": {"approvalRequired": True}}}
            if pending
            else {}
        ),
    }
    key = Key(trigger_key.product, build["name"])
    store.create(key, build)
    if not pending:
        store.tell(key)
    return build


def substitutions(trigger: Body, source: Body) -> dict[str, str]:
    """The trigger's, overridden by the caller's, and Cloud Build's own."""
    commit = source.get("commitSha", "")
    of_commit = (
        {"COMMIT_SHA": commit, "REVISION_ID": commit, "SHORT_SHA": commit[:7]} if commit else {}
    )
    return {
        **trigger.get("substitutions", {}),
        **source.get("substitutions", {}),
        **of_commit,
        "TRIGGER_NAME": trigger["name"],
    }


def operation(build: Body) -> Body:
    """The operation of a build; it runs, succeeds or fails with it."""
    place = build["name"].rsplit("/", 2)[0]
    number = base64.urlsafe_b64encode(build["id"].encode()).decode().rstrip("=")
    ended: Body = {}
    if build["status"] == "SUCCESS":
        ended = {
            "done": True,
            "response": {
                "@type": "type.googleapis.com/google.devtools.cloudbuild.v1.Build",
                **build,
            },
        }
    elif build["status"] in ENDED:
        ended = {
            "done": True,
            "error": {
                "code": 2,
                "message": f"Build failed; check build logs for details: {build['status']}",
            },
        }
    return {
        "name": f"{place}/operations/{number}",
        "metadata": {"@type": METADATA, "build": build},
        **ended,
    }


def read_operation(store: Store, call: Call) -> Body:
    """A build's operation; any other of this product was done from the start."""
    place, _, number = call.path.partition("/operations/")
    builds = (operation(build) for build in store.children(Key(call.product, f"{place}/builds")))
    return next(
        (build for build in builds if build["name"].endswith(f"/{number}")),
        {"name": call.path, "done": True, "response": {}},
    )


def listing(store: Store, call: Call) -> Body:
    """The newest first, of one trigger if the filter says trigger_id="X"."""
    filters = clauses(call.query.get("filter", ""), "trigger_id")
    builds = [
        build
        for build in store.children(call.key)
        if all(build["buildTriggerId"] == trigger for _, trigger in filters)
    ]
    return page("builds", builds[::-1], call.query)


def approve(store: Store, build_id: str) -> None:
    [key] = [
        key
        for key in store.objects
        if key.product == "cloud_build" and key.name.endswith(f"/builds/{build_id}")
    ]
    if store.get(key)["status"] != "PENDING":
        raise ValueError(
            f"build {build_id} must be PENDING to be approved, got {store.get(key)['status']}"
        )
    store.change(key, {"status": "QUEUED", "approval": {"state": "APPROVED"}})
    store.tell(key)
